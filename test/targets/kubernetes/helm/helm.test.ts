import { expect, it, vi } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import type { Answer } from '../../../../testkit/built-server.ts'
import { until } from '../../../../testkit/kubernetes/cluster.ts'
import { execute } from '../../../../testkit/kubernetes/scene.ts'
import { describeOn } from '../../../harness/describe-on.ts'
import { useChart } from './helm-scene.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('helm', 'a Helm release through the built server', (backend) => {
  const { cluster, chart, image: made, imageOf, readyImages, crashing, project, withHelm } = useChart(backend)
  const [good, bad, unhealthy] = [made('1.1.0'), made('1.3.0', 'crash'), made('1.0.0', 'unhealthy')]
  const image = (name: string) => imageOf(`deployment/${name}`)
  const sceneFor = (name: string, config: JsonObject = {}) => project({ workloads: [`deployment/${name}`], ...config })
  const statuses = async (name: string) => (await chart().history(name)).map(({ status }) => status)
  const ids = (list: Answer[]) => list.map(({ id }) => id)

  it.concurrent('goes back by helm to the last revision that served, past one that failed', async () => {
    await chart().deploy('shop', { image: good, hook: 'yes' }, '--wait')
    await expect(
      chart().deploy('shop', { image: 'popk-nowhere.invalid/web:1.2.0' }, '--wait', '--timeout', '3s')
    ).rejects.toThrow()
    await chart().deploy('shop', { image: bad, extra: 'yes' })
    await crashing('shop')
    expect(await statuses('shop')).toEqual(['superseded', 'failed', 'deployed'])

    const scene = await sceneFor('shop')
    const server = await scene.serve(undefined, withHelm)
    const assessment = await server.call('assess_rollback', { investigate: true })
    expect(assessment, assessment.summary).toMatchObject({
      current: { version: '1.3.0', failed: expect.anything() },
      recommended: { version: '1.1.0' },
      blockers: []
    })
    expect(JSON.stringify(assessment.candidates)).toContain('Helm records revision 2 as failed')
    expect(ids(assessment.risks)).toEqual(expect.arrayContaining(['helm_hooks:1', 'helm_deletes:3-1']))
    expect(await execute(server, assessment, { accept: [] })).toMatchObject({ isError: true })
    expect(await execute(server, assessment, { dry_run: true })).toMatchObject({ outcome: 'checked' })
    expect(await statuses('shop')).toEqual(['superseded', 'failed', 'deployed'])

    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded', to: { version: '1.1.0' } })
    expect((await chart().history('shop')).at(-1)).toMatchObject({ status: 'deployed', description: 'Rollback to 1' })
    expect(await readyImages('shop')).toEqual([good, good])
    expect(await cluster.kubectl('get', 'configmap', 'shop-extra', '--ignore-not-found')).toBe('')

    const again = await server.call('assess_rollback')
    expect(again, again.summary).toMatchObject({ current: { version: '1.1.0' }, recommended: null })
    expect(JSON.stringify(again.candidates)).toMatch(/rolled back from/)
    const text = `${JSON.stringify([assessment, done, again])}${await scene.text()}${server.stderr()}`
    expect(text).not.toContain('hunter2')
  })

  it.concurrent('a stuck pending upgrade is a risk to accept, is cleared first, and the next upgrade works', async () => {
    await chart().deploy('stuck', { image: good }, '--wait')
    const upgrade = chart().begin('stuck', { image: bad, extra: 'yes' }, '--wait', '--timeout', '120s')
    await crashing('stuck')
    upgrade.kill('SIGKILL')
    expect(await statuses('stuck')).toEqual(['deployed', 'pending-upgrade'])
    await expect(chart().deploy('stuck', { image: good })).rejects.toThrow(/another operation/)

    const server = await (await sceneFor('stuck')).serve(undefined, withHelm)
    const assessment = await server.call('assess_rollback')
    expect(assessment, assessment.summary).toMatchObject({ recommended: { version: '1.1.0' }, blockers: [] })
    expect(ids(assessment.risks)).toContain('helm_pending:stuck@2')
    expect(assessment.plan.steps[0].title).toBe("Recording Helm's revision 2 of stuck, which never finished, as failed")
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await statuses('stuck')).toEqual(['superseded', 'failed', 'deployed'])
    expect(await readyImages('stuck')).toEqual([good, good])
    // what the upgrade that was never finished had made is gone with it
    expect(await cluster.kubectl('get', 'configmap', 'stuck-extra', '--ignore-not-found')).toBe('')
    await chart().deploy('stuck', { image: good, replicas: '1' }, '--wait')
  })

  it.concurrent('a candidate that does not come up is recorded as failed, and the former version is restored', async () => {
    await chart().deploy('worse', { image: unhealthy, replicas: '1' })
    await chart().deploy('worse', { image: good, replicas: '1' }, '--wait')
    const server = await (await sceneFor('worse', { deadline_seconds: 20 })).serve(undefined, withHelm)
    const assessment = await server.call('assess_rollback', { version: '1.0.0' })
    const result = await execute(server, assessment)
    expect(result, result.summary).toMatchObject({ outcome: 'undone' })
    expect(result.summary).toMatch(/of 1 pods available/)
    expect(await statuses('worse')).toEqual(['superseded', 'superseded', 'failed', 'deployed'])
    expect(await image('worse')).toBe(good)
  })

  it.concurrent('a candidate whose pods fail for good ends the rollback before the time is up', async () => {
    await chart().deploy('hopeless', { image: 'popk-nowhere.invalid/web:1.0.0', replicas: '1' })
    // Else the failed pull may become known between the assessment and the execution, as a risk that nobody accepted.
    const failedPulls = ['get', 'events', '--field-selector', 'reason=Failed', '-o', 'jsonpath={..message}']
    await until('the failed pull', async () =>
      (await cluster.kubectl(...failedPulls)).includes('popk-nowhere.invalid/web:1.0.0')
    )
    await chart().deploy('hopeless', { image: good, replicas: '1' }, '--wait')
    const server = await (await sceneFor('hopeless', { deadline_seconds: 600 })).serve(undefined, withHelm)
    const result = await execute(server, await server.call('assess_rollback', { version: '1.0.0' }))
    expect(result, result.summary).toMatchObject({ outcome: 'undone' })
    expect(result.summary).toMatch(/ImagePull/)
    expect((await statuses('hopeless')).slice(-4)).toEqual(['superseded', 'superseded', 'failed', 'deployed'])
    expect(await image('hopeless')).toBe(good)
  })

  it.concurrent('its StatefulSet that waits for a broken pod is freed by a step that is shown', async () => {
    const kind = 'StatefulSet'
    await chart().deploy('db', { kind, image: good }, '--wait')
    await chart().deploy('db', { kind, image: bad })
    await crashing('db')
    const server = await (await sceneFor('db', { workloads: ['statefulset/db'] })).serve(undefined, withHelm)
    const assessment = await server.call('assess_rollback', { version: '1.1.0' })
    expect(assessment.plan.steps.map(({ title }: Answer) => title)[1]).toMatch(/Deleting the pods .*db-1/)
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await readyImages('db')).toEqual([good, good])
    expect((await chart().history('db')).at(-1)).toMatchObject({ status: 'deployed', description: 'Rollback to 1' })
  })

  it.concurrent('a slow workload beside a StatefulSet that must be freed is waited for, too', async () => {
    const values = { kind: 'StatefulSet', companion: 'yes', replicas: '1' }
    await chart().deploy('pair', { ...values, image: good }, '--wait')
    await chart().deploy('pair', { ...values, image: bad })
    await crashing('pair')
    const workloads = ['statefulset/pair', 'deployment/pair-slow']
    const server = await (await sceneFor('pair', { workloads })).serve(undefined, withHelm)
    const assessment = await server.call('assess_rollback', { version: '1.1.0' })
    expect(assessment.plan.steps.map(({ kind, title }: Answer) => kind ?? title).join()).toMatch(/pair-0/)
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await readyImages('pair')).toEqual([good])
    expect(await readyImages('pair-slow')).toEqual([good])
  })

  it.concurrent('the pods of its OnDelete StatefulSet are deleted by a step that is shown', async () => {
    const values = { kind: 'StatefulSet', replicas: '1' }
    await chart().deploy('ondelete', { ...values, image: good }, '--wait')
    const updateStrategy = { type: 'OnDelete', rollingUpdate: null }
    await cluster.kubectl('patch', 'statefulset/ondelete', '-p', JSON.stringify({ spec: { updateStrategy } }))
    await chart().deploy('ondelete', { ...values, image: bad })
    await cluster.kubectl('delete', 'pod', 'ondelete-0')
    await crashing('ondelete')
    const server = await (await sceneFor('ondelete', { workloads: ['statefulset/ondelete'] })).serve(
      undefined,
      withHelm
    )
    const assessment = await server.call('assess_rollback', { version: '1.1.0' })
    expect(assessment.plan.steps.map(({ title }: Answer) => title)[1]).toMatch(/old pods .* one by one: ondelete-0/)
    const done = await execute(server, assessment)
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(await readyImages('ondelete')).toEqual([good])
  })

  it.concurrent('an upgrade by someone else between plan and execution makes execution refuse, and stays', async () => {
    await chart().deploy('raced', { image: good, replicas: '1' }, '--wait')
    await chart().deploy('raced', { image: bad, replicas: '1' })
    await crashing('raced')
    const server = await (await sceneFor('raced')).serve(undefined, withHelm)
    const assessment = await server.call('assess_rollback')
    await chart().deploy('raced', { image: bad, replicas: '1', extra: 'fix' })
    expect(await execute(server, assessment)).toMatchObject({ isError: true, error: { code: 'stale_plan' } })
    expect(await statuses('raced')).toEqual(['superseded', 'superseded', 'deployed'])
  })

  it.concurrent('without the helm program it is refused with the exact command', async () => {
    await chart().deploy('alone', { image: good, replicas: '1' }, '--wait')
    await chart().deploy('alone', { image: bad, replicas: '1' })
    await crashing('alone')
    const server = await (await sceneFor('alone')).serve()
    const assessment = await server.call('assess_rollback')
    expect(assessment).toMatchObject({
      recommended: { version: '1.1.0' },
      blockers: [
        {
          id: 'helm:alone',
          why: expect.stringContaining('the helm program is not on PATH'),
          next: expect.stringContaining(`helm rollback alone 1 -n ${cluster.namespace}`)
        }
      ]
    })
    expect(await execute(server, assessment)).toMatchObject({ isError: true })
    expect(await statuses('alone')).toEqual(['superseded', 'deployed'])
  })
})
