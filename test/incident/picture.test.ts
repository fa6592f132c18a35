import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import type { Incident } from '../../src/incident/incident.ts'
import { outageOf } from '../../src/incident/outage.ts'
import { renderReport } from '../../src/incident/report.ts'
import { severityOf } from '../../src/incident/severity.ts'
import { describeOn } from '../harness/describe-on.ts'
import { crashLoop } from './fixtures.ts'

const run = promisify(execFile)
const mermaid = join(import.meta.dirname, '../../node_modules/@mermaid-js/tiny/dist/mermaid.tiny.js')

interface Drawn {
  /** What Mermaid said against it. */
  error?: string
  /** Width and height of each bar, in pixels. */
  bars: { width: number; height: number }[]
  /** Texts as they are drawn, and whether all of one lies in the picture. */
  labels: { text: string; inside: boolean }[]
}

/** Draws charts as a page of this width does, and measures them. */
const page = (charts: string[], width: number) => `<!doctype html><meta charset="utf-8">
<body style="width:${width}px;margin:0"><script src="${pathToFileURL(mermaid).href}"></script><script>
(async () => {
  mermaid.initialize({ startOnLoad: false, securityLevel: 'strict' })
  const drawn = []
  for (const [at, chart] of ${JSON.stringify(charts).replace(/</g, '\\u003c')}.entries()) {
    const place = document.body.appendChild(document.createElement('div'))
    try {
      await mermaid.parse(chart)
      place.innerHTML = (await mermaid.render('chart' + at, chart, place)).svg
      const whole = place.querySelector('svg').getBoundingClientRect()
      const box = (element) => element.getBoundingClientRect()
      drawn.push({
        bars: [...place.querySelectorAll('rect.task')].map(box).map(({ width, height }) => ({ width, height })),
        labels: [...place.querySelectorAll('text.taskText, text[class*=taskText], text.titleText')].map((text) => ({
          text: text.textContent.trim(),
          inside: box(text).left >= whole.left && box(text).right <= whole.right && box(text).width > 0
        }))
      })
    } catch (error) {
      drawn.push({ error: String(error), bars: [], labels: [] })
    }
  }
  document.body.innerHTML = '<pre id="drawn"></pre>'
  document.getElementById('drawn').textContent = 'BEGIN' + encodeURIComponent(JSON.stringify(drawn)) + 'END'
})()
</script>`

const at = (seconds: number) => new Date(Date.parse('2026-03-18T14:33:00.000Z') + seconds * 1000).toISOString()
const digest = `sha256:${'a'.repeat(64)}`
const image = 'registry.example.com/team/platform/shop-backend-service'

/** An outage of hours, whose rollback took seconds, with names as long as they come. */
const long: Incident = {
  ...crashLoop,
  target: 'shop-production-eu-west-1',
  from: crashLoop.from && { ...crashLoop.from, version: digest },
  health: { state: 'down', message: 'gone', since: '2026-03-16T09:31:00.000Z' },
  history: [
    { at: '2026-03-16T09:30:00.000Z', target: 'docker', version: digest, status: 'success' },
    { at: '2026-03-10T09:00:00.000Z', target: 'docker', version: '1.1.0', status: 'success' }
  ],
  rollback: crashLoop.rollback && {
    ...crashLoop.rollback,
    steps: [
      { title: `Pulling ${image}:1.1.0 and ${image}-worker:1.1.0`, from: at(0), until: at(12.4) },
      { title: 'Stopping web, worker, scheduler and the exporter of metrics of shop', from: at(12.4), until: at(12.5) },
      { title: `Starting ${'w'.repeat(80)}`, from: at(12.5), until: at(14.9), failed: true }
    ]
  }
}

describeOn('chromium', 'the pictures of the incident report, drawn', ({ program = '' }) => {
  async function drawn(incident: Incident, width = 830): Promise<Drawn[]> {
    const report = renderReport(incident, outageOf(incident), severityOf(incident))
    const charts = [...report.matchAll(/^```mermaid\n([\s\S]*?)\n```$/gm)].map(([, chart = '']) => chart)
    const folder = await mkdtemp(join(tmpdir(), 'pop-picture-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
    await writeFile(join(folder, 'page.html'), page(charts, width))
    const { stdout } = await run(
      program,
      [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        `--user-data-dir=${join(folder, 'profile')}`,
        `--window-size=${width},900`,
        '--virtual-time-budget=20000',
        '--dump-dom',
        pathToFileURL(join(folder, 'page.html')).href
      ],
      { maxBuffer: 64 * 1024 * 1024 }
    )
    const measured = /BEGIN(\S+)END<\/pre>/.exec(stdout)?.[1]
    if (!measured) throw new Error(`the page drew nothing:\n${stdout.slice(-2000)}`)
    return JSON.parse(decodeURIComponent(measured)) as Drawn[]
  }

  test.each([
    ['a short outage', crashLoop],
    ['an outage of hours with long names', long]
  ])('%s: Mermaid parses each chart, every bar can be seen, and no label is cut off', async (_, incident) => {
    const charts = await drawn(incident)
    expect(charts).toHaveLength(2)
    expect(charts.flatMap(({ error }) => error ?? [])).toEqual([])
    expect(charts.map(({ bars }) => bars.length)).toEqual([4, 4])
    for (const { width, height } of charts.flatMap(({ bars }) => bars)) {
      expect(width).toBeGreaterThan(1.5)
      expect(height).toBeGreaterThan(10)
    }
    const labels = charts.flatMap((chart) => chart.labels)
    expect(labels).toHaveLength(10)
    expect(labels.filter(({ inside }) => !inside)).toEqual([])
  })

  test('a long label keeps whole words, and what tells most', async () => {
    const texts = (await drawn(long)).flatMap(({ labels }) => labels.map(({ text }) => text))
    expect(texts).toEqual(
      expect.arrayContaining([
        'What served on shop-production-eu-west-1, UTC',
        'Version aaaaaaaaaaaa does not serve, 53h 2m',
        '1. Pulling shop-backend-service 1.1.0 and…, 12s',
        '2. Stopping web, worker, scheduler and…, 100 ms',
        expect.stringMatching(/^3\. Starting w+…, failed, 2s$/)
      ])
    )
  })
})
