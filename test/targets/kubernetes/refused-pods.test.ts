import { expect, it, vi } from 'vitest'
import type { JsonObject } from '../../../src/model/json.ts'
import { testRun } from '../../../testkit/target-context.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { inTime, planned, useCluster } from './use-cluster.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('kubernetes', 'pods that are refused while a rollout runs on kubernetes', (backend) => {
  const scene = useCluster(backend)
  const { cluster } = scene
  const [good, bad] = [scene.image('1.1.0'), scene.image('1.2.0', 'crash')]
  const large = { resources: { requests: { memory: '40Mi' }, limits: { memory: '40Mi' } } }

  it('end the wait, are quoted, and keep what still serves from being scaled away', async () => {
    const spec: JsonObject = { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } }
    await scene.failed({ name: 'web', replicas: 2, container: large, spec }, { good, bad })
    await scene.failed({ kind: 'StatefulSet', name: 'db', container: large }, { good, bad })
    const web = await scene.target({ workloads: ['deployment/web'] })
    const db = await scene.target({ workloads: ['statefulset/db'] })
    const [toWeb, toDb] = [await planned(web, '1.1.0'), await planned(db, '1.1.0')]
    const limits = [{ type: 'Container', max: { memory: '30Mi' } }]
    await cluster.apply({ apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'l' }, spec: { limits } })

    const [rollBack] = toWeb.steps
    if (!rollBack) throw new Error('there is no step')
    const refused = { code: 'held_up', why: expect.stringMatching(/maximum memory usage per Container is 30Mi/) }
    await expect(web.apply(rollBack, testRun())).rejects.toMatchObject(refused)
    expect(await scene.readyImages('web')).toEqual([good])
    await expect(web.revert(rollBack, testRun())).rejects.toMatchObject({ code: 'no_way_back', why: refused.why })
    expect(await scene.readyImages('web')).toEqual([good])
    expect((await web.observe(inTime())).observation.current?.version).toBe('1.1.0')

    const applied = toDb.steps.filter(({ phase }) => phase === 'switch').map((step) => () => db.apply(step, testRun()))
    const all = async (): Promise<void> => {
      for (const apply of applied) await apply()
    }
    await expect(all()).rejects.toMatchObject(refused)
  })
})
