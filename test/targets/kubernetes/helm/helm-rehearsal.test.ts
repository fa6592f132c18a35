import { expect, it, vi } from 'vitest'
import type { JsonObject } from '../../../../src/model/json.ts'
import type { Answer } from '../../../../testkit/built-server.ts'
import { until } from '../../../../testkit/kubernetes/cluster.ts'
import { execute } from '../../../../testkit/kubernetes/scene.ts'
import { describeOn } from '../../../harness/describe-on.ts'
import { useChart } from './helm-scene.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('helm', 'what is proven and found before helm goes back', (backend) => {
  const { cluster, chart, image, readyImages, crashing, project, withHelm } = useChart(backend)
  const [good, next, bad] = [image('1.1.0'), image('1.2.0'), image('1.0.0', 'crash')]
  const one = { replicas: '1' }
  const serverFor = async (name: string, config: JsonObject = {}) =>
    (await project({ workloads: [`deployment/${name}`], ...config })).serve(undefined, withHelm)

  it.concurrent('one pod of the candidate becomes ready beside what serves, and then helm goes back', async () => {
    await chart().deploy('shop', { image: good, ...one }, '--wait')
    await chart().deploy('shop', { image: next, ...one }, '--wait')
    const server = await serverFor('shop')
    const assessment = await server.call('assess_rollback', { version: '1.1.0', rehearse: true })
    expect(assessment, assessment.summary).toMatchObject({ blockers: [] })
    expect(assessment.plan.steps.map(({ title }: Answer) => title.split(' ')[0])).toEqual([
      'Rehearsing',
      'Rolling',
      'Marking'
    ])
    const done = await execute(server, assessment, { rehearse: true })
    expect(done, done.summary).toMatchObject({ outcome: 'succeeded' })
    expect(done.steps.map(({ state }: Answer) => state)).toEqual(['done', 'done', 'done'])
    expect(await readyImages('shop')).toEqual([good])
    // Its end takes a moment, and the other scenes have such pods of their own.
    await until('the rehearsal pod to be gone', async () => {
      const pods = await cluster.kubectl('get', 'pods', '-l', 'rollback.popkit/rehearsal', '-o', 'name')
      return !pods.includes('pod/shop-')
    })
  })

  it.concurrent('a candidate that does not become ready ends it before helm is called', async () => {
    await chart().deploy('broken', { image: bad, ...one })
    await crashing('broken')
    await chart().deploy('broken', { image: good, ...one }, '--wait')
    const server = await serverFor('broken', { deadline_seconds: 15 })
    const assessment = await server.call('assess_rollback', { version: '1.0.0', rehearse: true })
    const result = await execute(server, assessment, { rehearse: true })
    expect(result, result.summary).toMatchObject({ outcome: 'undone' })
    expect(result.summary).toMatch(/The rehearsal of .* failed/)
    expect(await chart().history('broken')).toHaveLength(2)
  })

  it.concurrent('a pod that would meet another Secret than helm restores is not rehearsed', async () => {
    await chart().deploy('secret', { image: good, ...one }, '--wait')
    await chart().deploy('secret', { image: next, password: 'another-of-the-chart', ...one }, '--wait')
    const server = await serverFor('secret')
    const asked = await server.call('assess_rollback', { version: '1.1.0', rehearse: true })
    expect(asked.blockers).toMatchObject([
      { id: expect.stringMatching(/^cannot_rehearse:/), why: expect.stringMatching(/present Secret\/secret/) }
    ])
  })

  it.concurrent('a revision that differs by a restart alone changes nothing', async () => {
    await chart().deploy('same', { image: good, restart: 'a', ...one }, '--wait')
    await chart().deploy('same', { image: good, restart: 'b', ...one }, '--wait')
    await until('one pod', async () => (await readyImages('same')).length === 1)
    const server = await serverFor('same')
    const assessment = await server.call('assess_rollback', { version: 'revision-1' })
    const found = [...assessment.blockers, ...assessment.risks]
    expect(found, assessment.summary).toContainEqual(
      expect.objectContaining({ id: expect.stringMatching(/^nothing_changes:/) })
    )
  })

  it.concurrent('a CronJob beside the release stays at the failed version, and is named', async () => {
    const labels = { 'app.kubernetes.io/instance': 'beside' }
    const cronJob = (name: string, version: string): JsonObject => ({
      apiVersion: 'batch/v1beta1',
      kind: 'CronJob',
      metadata: { name, labels },
      spec: {
        schedule: '0 0 1 1 *',
        jobTemplate: {
          spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'web', image: version }] } } }
        }
      }
    })
    await chart().deploy(
      'beside',
      { image: good, ...one },
      '--wait',
      ...(await chart().having(cronJob('inside', good)))
    )
    await chart().deploy(
      'beside',
      { image: next, ...one },
      '--wait',
      ...(await chart().having(cronJob('inside', next)))
    )
    await cluster.apply(cronJob('outside', next))
    const server = await serverFor('beside')
    const { risks } = await server.call('assess_rollback', { version: '1.1.0' })
    const stays = risks.find(({ id }: Answer) => id.startsWith('stays:'))
    expect(stays.detail).toMatch(/cronjob\/outside runs .*:1\.2\.0/)
    expect(stays.detail).not.toMatch(/inside/)
  })
})
