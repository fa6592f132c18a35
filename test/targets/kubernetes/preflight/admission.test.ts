import { expect, it, vi } from 'vitest'
import type { Answer } from '../../../../testkit/built-server.ts'
import { until, workload } from '../../../../testkit/kubernetes/cluster.ts'
import { execute } from '../../../../testkit/kubernetes/scene.ts'
import { describeOn } from '../../../harness/describe-on.ts'
import { useCluster } from '../use-cluster.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('kubernetes', 'pods of the old template that cannot be created on kubernetes', (backend) => {
  const scene = useCluster(backend)
  const { cluster } = scene
  const [good, next] = [scene.image('1.1.0'), scene.image('1.2.0')]

  it('block the plan before Recreate stops anything, and the reason is quoted', async () => {
    const { namespace, kubectl } = cluster
    const label = `popkit.example/${namespace}`
    const spec = { strategy: { type: 'Recreate' } }
    const pod = { priorityClassName: namespace, nodeSelector: { [label]: 'yes' } }
    await kubectl('label', 'nodes', '--all', `${label}=yes`)
    await kubectl('create', 'priorityclass', namespace, '--value=10')
    await kubectl('label', 'namespace', namespace, `popkit=${namespace}`)
    await cluster.rolledOut(workload({ image: good, spec, pod }))
    await cluster.rolledOut(workload({ image: next, spec }))
    const server = await scene.serve({ workloads: ['deployment/web'] })
    const blocked = async (): Promise<Answer> => {
      const assessment = await server.call('assess_rollback', { version: '1.1.0' })
      expect(await execute(server, assessment)).toMatchObject({ isError: true })
      return assessment.blockers
    }
    try {
      await kubectl('label', 'nodes', '--all', `${label}-`)
      expect(await blocked()).toMatchObject([
        { id: `unschedulable:deployment/${namespace}/web`, why: expect.stringContaining(`no label ${label}=yes`) }
      ])
      await kubectl('label', 'nodes', '--all', `${label}=yes`)
      await kubectl('delete', 'priorityclass', namespace)
      const refused = `pod_refused:deployment/${namespace}/web`
      expect(await blocked()).toMatchObject([
        { id: refused, why: expect.stringContaining(`no PriorityClass with name ${namespace}`) }
      ])
      await kubectl('create', 'priorityclass', namespace, '--value=10')
      await cluster.apply({
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingWebhookConfiguration',
        metadata: { name: namespace },
        webhooks: [
          {
            name: 'down.popkit.example',
            admissionReviewVersions: ['v1'],
            sideEffects: 'None',
            failurePolicy: 'Fail',
            timeoutSeconds: 2,
            namespaceSelector: { matchLabels: { popkit: namespace } },
            rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }],
            clientConfig: { url: 'https://127.0.0.1:9/' }
          }
        ]
      })
      await until('the webhook to count', async () => (await blocked())[0]?.id === refused)
      expect(await blocked()).toMatchObject([
        { why: expect.stringContaining('down.popkit.example'), next: expect.stringContaining('Restore the webhook') }
      ])
    } finally {
      await kubectl('delete', 'validatingwebhookconfiguration', namespace, '--ignore-not-found')
      await kubectl('delete', 'priorityclass', namespace, '--ignore-not-found')
      await kubectl('label', 'nodes', '--all', `${label}-`)
    }
    expect(await scene.readyImages('web')).toEqual([next, next])
  })
})
