import { expect } from 'vitest'
import { onVercel } from './on-vercel.ts'
import { broken, good, open, signal } from './scene.ts'

const test = onVercel((vercel) => void vercel.deploy(good))

const failure = { code: 'BUILD_UTILS_SPAWN_1', message: 'Command "npm run build" exited with 1' }

test('a failed build is reported with its message and the end of its log', async ({ vercel }) => {
  const log = Array.from({ length: 80 }, (_, index) => `line ${index}`)
  const build = vercel.deploy(broken, { state: 'ERROR', error: failure, log })
  const { findings, evidence } = await (await open(vercel)).diagnose(signal())
  expect(findings.join()).toContain(failure.message.replaceAll('"', "'"))
  expect(evidence).toMatchObject([{ title: expect.stringContaining(build.uid), source: 'Vercel, build log' }])
  expect(evidence[0]?.text.split('\n').at(-1)).toBe('line 79')
  expect(evidence[0]?.text).not.toContain('line 1\n')
})

test('a log that cannot be read leaves what is known without it', async ({ vercel }) => {
  vercel.deploy(broken, { state: 'ERROR', error: failure })
  vercel.fault(({ path }) =>
    path.endsWith('/events') ? { status: 403, body: { error: { code: 'forbidden', message: 'No' } } } : undefined
  )
  const { findings, evidence } = await (await open(vercel)).diagnose(signal())
  expect(findings.join()).toContain('its log cannot be read')
  expect(evidence).toEqual([])
})
