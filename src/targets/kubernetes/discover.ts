import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readText } from '../../support/read-text.ts'
import { yamlDocuments } from '../../support/yaml-documents.ts'
import type { Discover } from '../target.ts'
import { workload } from './config.ts'

const folders = ['.', 'k8s', 'kubernetes', 'deploy', 'manifests', 'k8s/base', 'deploy/k8s']
const mostFiles = 50
const mostBytes = 200_000
const mostBytesTogether = 1_000_000

const documentSchema = z.looseObject({
  kind: z.enum(['Deployment', 'StatefulSet', 'DaemonSet', 'Rollout']),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() })
})

/** Finds the manifests of workloads in the project; a kubeconfig on the machine proves nothing about this project. */
export const discoverKubernetes: Discover = async (projectDir) => {
  const workloads = new Set<string>()
  let from = ''
  let bytes = 0
  for (const folder of folders) {
    const names: string[] = await readdir(join(projectDir, folder)).catch(() => [])
    for (const name of names.filter((one) => /\.ya?ml$/.test(one)).slice(0, mostFiles)) {
      const text = await readText(join(projectDir, folder, name), mostBytes).catch(() => '')
      if (!text.includes('kind') || bytes + text.length > mostBytesTogether) continue
      bytes += text.length
      for (const document of await yamlDocuments(text).catch(() => [])) {
        const found = workloadOf(document)
        if (!found) continue
        workloads.add(found)
        from ||= join(folder, name)
      }
    }
  }
  if (workloads.size === 0) return null
  const found = [...workloads].sort()
  return { config: { workloads: found }, because: `${from} describes ${found.slice(0, 5).join(', ')}` }
}

/** A workload as deploy.json names it; null for anything else, and for a name that Kubernetes would not accept. */
function workloadOf(document: unknown): string | null {
  const { data } = documentSchema.safeParse(document)
  if (!data) return null
  const { namespace, name } = data.metadata
  const text = `${data.kind.toLowerCase()}/${namespace ? `${namespace}/` : ''}${name}`
  return workload.safeParse(text).success ? text : null
}
