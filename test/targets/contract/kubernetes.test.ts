import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import kubernetes from '../../../src/targets/kubernetes/index.ts'
import { createCluster, workload } from '../../../testkit/kubernetes/cluster.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { fulfilsTheContract } from './contract.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describeOn('kubernetes', 'the contract of a target, on a cluster', (backend) => {
  fulfilsTheContract(
    async () => kubernetes,
    async () => {
      const cluster = await createCluster(backend.kubeconfig ?? '')
      const secret = 'variable-of-a-pod'
      const container = { env: [{ name: 'API_TOKEN', value: secret }] }
      for (const version of ['1.1.0', '1.2.0'])
        await cluster.rolledOut(workload({ image: await cluster.image(version), container }))
      const elsewhere = join(tmpdir(), `${cluster.namespace}-nowhere`)
      const kubeconfig = await readFile(cluster.kubeconfig, 'utf8')
      await writeFile(elsewhere, kubeconfig.replace(/https:\/\/[^\s"]+/g, 'https://127.0.0.1:9'))
      const env = { PATH: process.env.PATH, KUBECONFIG: cluster.kubeconfig }
      return {
        opening: { env, config: { namespace: cluster.namespace, workloads: ['deployment/web'] } },
        elsewhere: { env: { ...env, KUBECONFIG: elsewhere } },
        secret,
        from: '1.2.0',
        to: '1.1.0',
        remove: () => cluster.remove()
      }
    }
  )
})
