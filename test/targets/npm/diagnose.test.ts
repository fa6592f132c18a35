import { afterEach, expect, test } from 'vitest'
import { manifestDifferences } from '../../../src/targets/npm/manifest-differences.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { bench, limit, open } from './package-fixture.ts'

describeOn('npm', 'npm diagnose', (backend) => {
  const { fresh, cleanUp } = bench(backend)
  afterEach(cleanUp)

  test('tells when it was published and how its manifest differs from the one before', async () => {
    const made = await fresh()
    await made.publish('1.1.0', { manifest: { main: 'index.js', dependencies: { ms: '^2.0.0' } } })
    await made.publish('1.2.0', {
      manifest: { main: 'dist/index.js', dependencies: { ms: '^3.0.0' }, scripts: { postinstall: 'node x' } }
    })
    const { findings, events } = await (await open(made)).diagnose(limit())
    expect(findings).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^1\.2\.0 was published at \d{4}-/),
        '1.2.0 differs from 1.1.0: main is dist/index.js, before index.js',
        '1.2.0 differs from 1.1.0: script postinstall is node x, before not there',
        '1.2.0 differs from 1.1.0: dependencies: ms is ^3.0.0, before ^2.0.0'
      ])
    )
    expect(events.map(({ text }) => text)).toEqual([
      expect.stringContaining('@1.1.0 was published'),
      expect.stringContaining('@1.2.0 was published')
    ])
  })
})

test('manifest differences name forgotten files', () => {
  const before = { dist: { fileCount: 40, unpackedSize: 120_000 } }
  const after = { dist: { fileCount: 3, unpackedSize: 900 } }
  expect(manifestDifferences(before, after)).toEqual([
    'it has 3 files, before 40',
    'it unpacks to 900 bytes, before 120000'
  ])
  expect(manifestDifferences(before, before)).toEqual([])
})
