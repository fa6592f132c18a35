import { beforeAll, expect, it, vi } from 'vitest'
import { docker, makeImage } from '../../../../testkit/docker/images.ts'
import {
  carryOut,
  inspect,
  isHealthy,
  isUnhealthy,
  mismatchesOf,
  planTo,
  signal,
  takeBack
} from '../../../../testkit/docker/world.ts'
import { testRun } from '../../../../testkit/target-context.ts'
import { describeOn } from '../../../harness/describe-on.ts'
import { useWorld } from '../../../harness/use-world.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('docker', 'the configuration of a stopped container', () => {
  const world = useWorld()
  let good: string
  const name = () => `${world.prefix}-web`
  const withConfig = () => world.open({ withConfig: true })

  beforeAll(async () => {
    good = await makeImage(world.repository, '1.1.0')
    await makeImage(world.repository, '1.2.0', { mode: 'unhealthy' })
  })

  /** A version that served, put aside by a person, and one in its place. */
  const replaced = async (version: string, before: string[], now: string[]): Promise<string> => {
    const old = await world.start('web', '1.1.0', ...before)
    await isHealthy(name())
    await docker('stop', '-t', '5', name())
    await docker('rename', name(), `${name()}-before`)
    await world.start('web', version, ...now)
    await isUnhealthy(name())
    return old
  }

  it('goes back with an unchanged image', async () => {
    const old = await replaced('1.1.0', ['-e', 'KEY=first'], ['-e', 'KEY=second', '-e', 'MODE=unhealthy'])
    const plain = await (await world.open()).observe(signal())
    expect(plain.observation.releases.map(({ version }) => version)).toEqual(['1.2.0'])
    expect(plain.observation.notes.join()).toContain('--to 1.1.0 --with-config')
    const target = await withConfig()
    const planned = await planTo(target, '1.1.0')
    expect(planned.draft.blockers).toEqual([])
    expect(planned.draft.notes.join('\n')).toContain('variable KEY, variable MODE.')
    expect(JSON.stringify(planned)).not.toMatch(/KEY=|first|second/)
    expect(await mismatchesOf(target, planned)).toEqual([])
    await carryOut(target, planned)
    const now = await inspect(name())
    expect(now).toMatchObject({ Image: good, State: { Running: true } })
    expect(now.Config.Env).toEqual(expect.arrayContaining(['KEY=first', 'MODE=good']))
    expect(await world.names()).toEqual([name(), `${name()}-before`])
    expect((await inspect(`${name()}-before`)).Id).toBe(old)
  })

  it('goes back with the earlier image, and is undone with it', async () => {
    await replaced('1.2.0', ['-e', 'KEY=first'], ['-e', 'KEY=second', '-p', '127.0.0.1::8080'])
    const before = await inspect(name())
    const target = await withConfig()
    const planned = await planTo(target, '1.1.0')
    await carryOut(target, planned, { cleanup: false })
    expect((await inspect(name())).Config.Env).toContain('KEY=first')
    await takeBack(target, planned)
    const after = await inspect(name())
    expect(after).toMatchObject({ Id: before.Id, State: { Running: true } })
    expect(after.Config.Env).toContain('KEY=second')
  })

  it('keeps mounts and rights, and names where they differ', async () => {
    const volume = `${world.prefix}-data`
    await replaced(
      '1.1.0',
      ['--cap-drop', 'NET_RAW', '-v', '/:/host'],
      ['-v', `${volume}:/data`, '-e', 'MODE=unhealthy']
    )
    const target = await withConfig()
    const planned = await planTo(target, '1.1.0')
    const risk = planned.draft.risks.find(({ id }) => id === `configuration_not_restored:${name()}`)
    expect(risk).toMatchObject({ serious: true })
    for (const line of ['cap_drop', 'mount of / at /host', `no mount of ${volume} at /data`])
      expect(risk?.detail).toContain(line)
    await carryOut(target, planned)
    const now = await inspect(name())
    expect(now.HostConfig.CapDrop ?? []).toEqual([])
    expect(now.Mounts.map(({ Destination }: { Destination: string }) => Destination)).toEqual(['/data'])
    expect(now.Config.Env).toContain('MODE=good')
  })

  it('is read from nowhere else because a journal says so', async () => {
    await replaced('1.1.0', [], ['-e', 'MODE=unhealthy'])
    const other = await world.start('other', '1.2.0', '-e', 'MODE=good')
    const target = await withConfig()
    const planned = await planTo(target, '1.1.0')
    const steps = JSON.parse(
      JSON.stringify(planned.draft.steps).replaceAll(/"earlier":"[0-9a-f]{64}"/g, `"earlier":"${other}"`)
    )
    expect((await mismatchesOf(target, planned, steps))?.join()).toContain('is not where the configuration')
  })

  it.each([1, 2, 3])('is the one that was planned when %i steps were done and the rest is resumed', async (done) => {
    await replaced('1.1.0', ['-e', 'KEY=first'], ['-e', 'MODE=unhealthy'])
    const planned = await planTo(await withConfig(), '1.1.0')
    const resumed = await world.open()
    for (const step of planned.draft.steps.slice(0, done)) await resumed.apply(step, testRun())
    expect(await mismatchesOf(resumed, planned)).toEqual([])
    await carryOut(resumed, planned)
    expect((await inspect(name())).Config.Env).toEqual(expect.arrayContaining(['KEY=first', 'MODE=good']))
  })

  it('is not offered again once it serves', async () => {
    await replaced('1.1.0', [], ['-e', 'MODE=unhealthy'])
    const target = await withConfig()
    await carryOut(target, await planTo(target, '1.1.0'))
    const { draft } = await planTo(target, '1.1.0')
    expect(draft.blockers).toMatchObject([{ id: 'same_configuration' }])
    expect(draft.steps).toEqual([])
  })
})
