import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createMask } from '../../../src/support/mask.ts'
import { makeImage } from '../../../testkit/docker/images.ts'
import { createWorld, signal, until, type World } from '../../../testkit/docker/world.ts'
import { describeOn } from '../../harness/describe-on.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

describeOn('docker', 'a line that the engine keeps in pieces', () => {
  const secret = 'correct-horse-battery-staple'
  let world: World

  beforeAll(async () => {
    world = createWorld()
    await makeImage(world.repository, '1.1.0')
  })
  afterAll(() => world.remove())

  /** Prints the secret across the end of the first 16 KiB of a line, then a hundred short lines. */
  const script = `head() { i=0; while [ $i -lt 1637 ]; do printf 0123456789; i=$((i+1)); done; }
echo from-stderr >&2; head; echo "$DB_PASSWORD and the end"; i=0; while [ $i -lt $MORE ]; do echo line-$i; i=$((i+1)); done; sleep 1000`

  it.each([
    ['with streams', [], 0, 'and the end'],
    ['of a terminal', ['-t'], 0, 'and the end'],
    ['whose beginning is left out', [], 100, 'line-99']
  ])('%s gives no part of a secret away', async (what, options, more, last) => {
    const name = what.replaceAll(' ', '-')
    await world.start(
      name,
      '1.1.0',
      ...options,
      '-e',
      `MORE=${more}`,
      '-e',
      `DB_PASSWORD=${secret}`,
      '--',
      'sh',
      '-c',
      script
    )
    const target = await world.open({ mask: createMask(), config: { containers: [`${world.prefix}-${name}`] } })
    const text = await until('its log', async () => {
      const log = (await target.diagnose(signal())).evidence.map((item) => item.text).join('\n')
      return log.includes(last) && log
    })
    expect(text).not.toMatch(/correct|horse|battery|staple/)
    await world.clear()
  })
})
