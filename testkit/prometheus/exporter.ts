import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An application's metrics, as Prometheus scrapes them: requests answered well and badly, growing by themselves. */
export interface Exporter {
  /** `127.0.0.1:port`, for the scrape configuration. */
  address: string
  /** The share of requests that are answered with an error from now on. */
  errorRate(share: number): void
  /** Scrapes get no answer while this is set. */
  silent(is: boolean): void
  /** When the first error was counted that came after good answers. */
  begunToFail(): string | null
  close(): Promise<void>
}

/** @param versionServing asks the application itself which version answers; its share of errors is looked up in `shares`. */
export async function startExporter(
  versionServing?: () => Promise<string | null>,
  shares: Record<string, number> = {}
): Promise<Exporter> {
  let share = 0
  let quiet = false
  let begun: string | null = null
  let failing = false
  const count = { good: 1000, bad: 0 }
  let last = Date.now()
  const grow = async (): Promise<void> => {
    const version = await versionServing?.().catch(() => null)
    const rate = version == null ? share : (shares[version] ?? share)
    const requests = ((Date.now() - last) / 1000) * 100
    last = Date.now()
    count.bad += requests * rate
    count.good += requests * (1 - rate)
    if (rate > 0 && !failing) begun = new Date().toISOString()
    failing = rate > 0
  }
  const server = createServer((request, response) => {
    if (quiet) return void request.socket.destroy()
    void grow().then(() => {
      response.setHeader('content-type', 'text/plain; version=0.0.4')
      response.end(
        `# TYPE http_requests_total counter\nhttp_requests_total{code="200"} ${count.good}\nhttp_requests_total{code="500"} ${count.bad}\n`
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    address: `127.0.0.1:${port}`,
    errorRate(next) {
      share = next
    },
    silent(is) {
      quiet = is
    },
    begunToFail: () => begun,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}

/** The error rate of what the exporter tells, over the last seconds. */
export const errorRateQuery = (seconds = 5): string =>
  `sum(rate(http_requests_total{code=~"5.."}[${seconds}s])) / sum(rate(http_requests_total[${seconds}s]))`
