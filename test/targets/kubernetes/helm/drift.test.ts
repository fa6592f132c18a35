import { expect, it, vi } from 'vitest'
import { execute } from '../../../../testkit/kubernetes/scene.ts'
import { describeOn } from '../../../harness/describe-on.ts'
import { useChart } from './helm-scene.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('helm', 'a Helm release whose newest record is not what runs', (backend) => {
  const { cluster, chart, image: made, imageOf, readyImages, crashing, project, withHelm } = useChart(backend)
  const [good, bad, other] = [made('1.1.0'), made('1.3.0', 'crash'), made('1.2.0')]
  const serve = async (name: string) =>
    (await project({ workloads: [`deployment/${name}`] })).serve(undefined, withHelm)
  const command = (name: string) =>
    cluster.kubectl('get', `deployment/${name}`, '-o', 'jsonpath={.spec.template.spec.containers[0].command}')

  it.concurrent('because kubectl set another image: that image is current, and what Helm deployed is restored', async () => {
    await chart().deploy('byhand', { image: good }, '--wait')
    await cluster.kubectl('set', 'image', 'deployment/byhand', `web=${bad}`)
    await crashing('byhand')
    const server = await serve('byhand')
    const assessment = await server.call('assess_rollback')
    expect(assessment, assessment.summary).toMatchObject({
      current: { version: '1.3.0', failed: expect.anything() },
      recommended: { version: '1.1.0' },
      blockers: []
    })
    expect(assessment.summary).toContain(`deployment/byhand runs ${bad}. Helm's newest revision 1 names ${good}.`)
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded', from: { version: '1.3.0' } })
    expect(await readyImages('byhand')).toEqual([good, good])
    expect(await chart().history('byhand')).toHaveLength(1)
    expect(await server.call('assess_rollback')).toMatchObject({ current: { version: '1.1.0' } })
  })

  it.concurrent('because kubectl patched what the chart does not name: that is removed again', async () => {
    await chart().deploy('patched', { image: good }, '--wait')
    const op = { op: 'add', path: '/spec/template/spec/containers/0/command', value: ['false'] }
    await cluster.kubectl('patch', 'deployment/patched', '--type=json', '-p', JSON.stringify([op]))
    await crashing('patched')
    const server = await serve('patched')
    const assessment = await server.call('assess_rollback')
    expect(assessment, assessment.summary).toMatchObject({
      current: { version: 'revision-2' },
      recommended: { version: '1.1.0' }
    })
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await command('patched')).toBe('')
    expect(await readyImages('patched')).toEqual([good, good])
  })

  it.concurrent('because Helm failed before it changed anything: what runs is current, and healthy', async () => {
    await chart().deploy('early', { image: good, replicas: '1' }, '--wait')
    await cluster.kubectl('create', 'configmap', 'early-extra')
    await expect(chart().deploy('early', { image: other, replicas: '1', extra: 'yes' })).rejects.toThrow(/ownership/)
    await cluster.kubectl('delete', 'configmap', 'early-extra')
    const server = await serve('early')
    expect(await server.call('assess_rollback')).toMatchObject({ current: { version: '1.1.0' }, recommended: null })
    expect(await imageOf('deployment/early')).toBe(good)
  })
})
