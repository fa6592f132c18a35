import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { discoverKubernetes } from '../../../src/targets/kubernetes/discover.ts'
import { type TestProject, testProject } from '../../../testkit/project.ts'

describe('discovery of kubernetes in a project', () => {
  const projects: TestProject[] = []
  afterEach(async () => {
    for (const project of projects.splice(0)) await project.remove()
  })

  async function projectWith(files: Record<string, string>): Promise<string> {
    const project = await testProject()
    projects.push(project)
    for (const [path, text] of Object.entries(files)) {
      await mkdir(join(project.dir, path, '..'), { recursive: true })
      await writeFile(join(project.dir, path), text)
    }
    return project.dir
  }

  it('finds the workloads of manifests, with their namespaces', async () => {
    const dir = await projectWith({
      'k8s/web.yaml': [
        'apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n',
        'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  labels:\n    app: web\n  name: web\n  namespace: shop\n'
      ].join('---\n'),
      'k8s/db.yml': 'kind: StatefulSet\nmetadata:\n  name: "db"\nspec:\n  template:\n    metadata:\n      name: other\n'
    })
    expect(await discoverKubernetes(dir, {})).toEqual({
      config: { workloads: ['deployment/shop/web', 'statefulset/db'] },
      because: expect.stringMatching(/k8s\/(web|db)\.ya?ml describes deployment\/shop\/web, statefulset\/db/)
    })
  })

  it('a kubeconfig alone is not enough', async () => {
    const dir = await projectWith({ 'README.md': 'kind: Deployment' })
    expect(await discoverKubernetes(dir, { KUBECONFIG: join(dir, 'kubeconfig') })).toBeNull()
  })
})
