import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

export interface Prometheus {
  url: string
  /** The newest value of a query; null while it has none. */
  value(query: string): Promise<number | null>
  /** Whether its alert fires. */
  fires(): Promise<boolean>
  /** Ends the process; what it knew is gone. */
  stop(): Promise<void>
}

interface Options {
  /** What is scraped, once a second. */
  scrape: string
  /** The users of a basic login, with bcrypt hashes; every request then needs one. */
  users?: Record<string, string>
  /** An alert of its own, looked at every second. */
  alert?: { expr: string; for: string }
}

/** Starts a Prometheus of its own, which scrapes one address every second. */
export async function startPrometheus(program: string, { scrape, users, alert }: Options): Promise<Prometheus> {
  const dir = await mkdtemp(join(tmpdir(), 'pop-prometheus-'))
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: ['rules.yml'],
    scrape_configs: [{ job_name: 'app', static_configs: [{ targets: [scrape] }] }]
  }
  await writeFile(join(dir, 'prometheus.yml'), JSON.stringify(config))
  const rules = alert ? [{ alert: 'bad', ...alert }] : []
  await writeFile(join(dir, 'rules.yml'), JSON.stringify({ groups: [{ name: 'all', rules }] }))
  await writeFile(join(dir, 'web.yml'), JSON.stringify(users ? { basic_auth_users: users } : {}))
  const address = `127.0.0.1:${await freePort()}`
  const flags = [
    'config.file=prometheus.yml',
    'storage.tsdb.path=data',
    `web.listen-address=${address}`,
    'web.config.file=web.yml'
  ]
  const child = spawn(
    program,
    flags.map((flag) => `--${flag}`),
    { cwd: dir, stdio: 'ignore' }
  )
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const url = `http://${address}`
  for (let tries = 0; ; tries++) {
    const ready = await fetch(`${url}/-/ready`).then(
      ({ status }) => status === 200 || (users && status === 401),
      () => false
    )
    if (ready) break
    if (tries > 300 || child.exitCode !== null) throw new Error('Prometheus did not become ready')
    await wait(100)
  }
  return {
    url,
    async value(query) {
      const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`)
      const { data } = (await answer.json()) as { data?: { result?: { value: [number, string] }[] } }
      const text = data?.result?.[0]?.value[1]
      return text === undefined || text === 'NaN' ? null : Number(text)
    },
    async fires() {
      const answer = await fetch(`${url}/api/v1/alerts`)
      const { data } = (await answer.json()) as { data: { alerts: { state: string }[] } }
      return data.alerts.some(({ state }) => state === 'firing')
    },
    async stop() {
      child.kill('SIGKILL')
      await ended
      await rm(dir, { recursive: true, force: true })
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}
