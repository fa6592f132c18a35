import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readText } from '../../support/read-text.ts'
import type { Discover } from '../target.ts'

const folders = ['.', 'k8s', 'kubernetes', 'deploy', 'manifests', 'k8s/base', 'deploy/k8s']
const mostFiles = 50
const kinds = /^kind:\s*["']?(Deployment|StatefulSet|DaemonSet|Rollout)["']?\s*$/m
const nameLine = /^metadata:[^\S\n]*\n(?:[ \t]+.*\n)*?[ \t]{1,4}name:\s*["']?([a-z0-9][a-z0-9.-]*)["']?\s*$/m
const namespaceLine = /^metadata:[^\S\n]*\n(?:[ \t]+.*\n)*?[ \t]{1,4}namespace:\s*["']?([a-z0-9][a-z0-9-]*)["']?\s*$/m

/** Finds the manifests of workloads in the project; a kubeconfig on the machine proves nothing about this project. */
export const discoverKubernetes: Discover = async (projectDir) => {
  const workloads = new Set<string>()
  let from = ''
  for (const folder of folders) {
    const names: string[] = await readdir(join(projectDir, folder)).catch(() => [])
    for (const name of names.filter((one) => /\.ya?ml$/.test(one)).slice(0, mostFiles)) {
      const text = await readText(join(projectDir, folder, name)).catch(() => '')
      for (const document of text.slice(0, 200_000).split(/^---.*$/m)) {
        const kind = kinds.exec(document)?.[1]?.toLowerCase()
        const called = nameLine.exec(`${document}\n`)?.[1]
        if (!kind || !called) continue
        const namespace = namespaceLine.exec(`${document}\n`)?.[1]
        workloads.add(`${kind}/${namespace ? `${namespace}/` : ''}${called}`)
        from ||= join(folder, name)
      }
    }
  }
  if (workloads.size === 0) return null
  const found = [...workloads].sort()
  return { config: { workloads: found }, because: `${from} describes ${found.slice(0, 5).join(', ')}` }
}
