import { readFile, writeFile } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { freezeEnd, freezeOf, frozenLine, frozenOf, readFrozen } from '../../src/project/frozen.ts'
import { projectPaths } from '../../src/project/paths.ts'
import { freeze, unfreeze } from '../../src/project/write-frozen.ts'
import { testProject } from '../../testkit/project.ts'

const now = new Date('2026-03-18T12:00:00.000Z')
const frozen = (version: string, more: object = {}) => ({ target: 'web', version, until: null, reason: null, ...more })

async function deployed(text: string) {
  const project = await testProject({})
  onTestFinished(project.remove)
  await writeFile(project.deployFile, text)
  return { paths: projectPaths(project.dir), text: () => readFile(project.deployFile, 'utf8') }
}

test('a freeze is written beside the history, and all else stays as it is written', async () => {
  const { paths, text } = await deployed('{\n  "odd" :  [1,2],\n  "history": []\n}\n')
  await freeze(paths, frozen('1.2.0', { reason: 'prices', until: '2026-03-19T12:00:00.000Z' }), now.toISOString(), {})
  expect(await text()).toBe(`{
  "odd" :  [1,2],
  "frozen": [
    {
      "target": "web",
      "version": "1.2.0",
      "until": "2026-03-19T12:00:00.000Z",
      "reason": "prices",
      "at": "2026-03-18T12:00:00.000Z"
    }
  ],
  "history": []
}
`)
})

test('a version is frozen once, others and what is no freeze stay, and unfreeze leaves the file as it was', async () => {
  const before = '{\n  "version": "1.0",\n  "history": []\n}\n'
  const { paths, text } = await deployed(before)
  for (const version of ['1.2.0', '1.3.0', 'v1.2.0']) await freeze(paths, frozen(version), now.toISOString(), {})
  const written = JSON.parse(await text())
  expect(written.frozen.map(({ version }: { version: string }) => version)).toEqual(['v1.2.0', '1.3.0'])
  await writeFile(paths.deployFile, JSON.stringify({ ...written, frozen: [...written.frozen, 'a note'] }))
  await unfreeze(paths, { target: 'web', version: '1.2.0' }, {})
  expect(JSON.parse(await text()).frozen).toMatchObject([{ version: '1.3.0' }, 'a note'])
  await writeFile(paths.deployFile, before)
  await freeze(paths, frozen('1.2.0'), now.toISOString(), {})
  await unfreeze(paths, { target: 'web' }, {})
  expect(await text()).toBe(before)
})

test('a freeze ends with its time; a time that cannot be read does not end it', () => {
  const all = readFrozen([
    { target: 'web', version: '1.0.0', until: '2026-03-18T11:59:00Z' },
    { target: 'web', version: '1.1.0', until: 'soon' },
    { target: 'web', version: '1.2.0', until: '2026-03-18T13:00:00+00:00' },
    { target: 'db', version: '1.3.0' },
    { version: 7 },
    null
  ])
  expect(frozenOf(all, 'web', now).map(({ version }) => version)).toEqual(['1.1.0', '1.2.0'])
  expect(freezeOf(all, 'web', 'v1.2.0', now)?.version).toBe('1.2.0')
  expect(freezeOf(all, 'web', '1.0.0', now)).toBeNull()
  expect(readFrozen({ version: '1.0.0' })).toEqual([])
})

test('the line of a freeze says when it ends and quotes why', () => {
  expect(frozenLine(frozen('1.2.0', { until: '2026-03-19T12:00:00.000Z', reason: 'wrong\n"prices"' }))).toBe(
    `1.2.0 is frozen until 2026-03-19 12:00 UTC ("wrong 'prices'")`
  )
})

test.each([
  ['24h', '2026-03-19T12:00:00.000Z'],
  ['90m', '2026-03-18T13:30:00.000Z'],
  ['7d', '2026-03-25T12:00:00.000Z'],
  ['2026-03-20T12:00Z', '2026-03-20T12:00:00.000Z'],
  [undefined, null]
])('a freeze until %s ends at %s', (text, expected) => {
  expect(freezeEnd(text, now)).toBe(expected)
})

test.each(['yesterday', '2026-03-01T00:00:00Z', '-1h', '24', '0h'])('%s is no end of a freeze', (text) => {
  expect(() => freezeEnd(text, now)).toThrow('Invalid end of the freeze')
})
