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

  const metadata = 'kind: Deployment\nmetadata:\n  name: web\n'
  const bomb = [...'bcdefghi'].map((to, at) => `  ${to}: &${to} [${Array(9).fill(`*${'abcdefgh'[at]}`)}]\n`).join('')

  it.each([
    ['forty annotations and no namespace', `${metadata}  annotations:\n${'    example.com/a: b\n'.repeat(40)}`],
    ['a Helm template beside it', `${metadata}---\nkind: {{ .Values.kind }}\nmetadata:\n  name: {{ .Release.Name }}\n`],
    ['a billion laughs beside it', `${metadata}---\nlaughs:\n  a: &a [ha]\n${bomb}`],
    ['a flow mapping', 'kind: Deployment\nmetadata: {name: web, labels: {app: web}}\n'],
    ['a name that is none beside it', `${metadata}---\nkind: Deployment\nmetadata: {name: "a; rm -rf ~"}\n`]
  ])('finds the workload of a manifest with %s', async (_, text) => {
    const dir = await projectWith({ 'k8s/web.yaml': text })
    expect((await discoverKubernetes(dir, {}))?.config).toEqual({ workloads: ['deployment/web'] })
  })

  it.each([
    ['sequences in sequences', '- '.repeat(90_000)],
    ['brackets', '['.repeat(190_000)],
    ['brackets on many lines', '[\n'.repeat(90_000)],
    ['mappings in mappings', Array.from({ length: 600 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join('')],
    ['anchors', '&a '.repeat(60_000)],
    ['more than a manifest may have', `${metadata}#${' '.repeat(200_000)}`]
  ])('passes over a file of nothing but %s', async (_, text) => {
    const dir = await projectWith({ 'k8s/web.yaml': `kind: Deployment\n${text}`, 'k8s/z.yaml': metadata })
    expect((await discoverKubernetes(dir, {}))?.config).toEqual({ workloads: ['deployment/web'] })
  })

  it('a kubeconfig alone is not enough', async () => {
    const dir = await projectWith({ 'README.md': 'kind: Deployment' })
    expect(await discoverKubernetes(dir, { KUBECONFIG: join(dir, 'kubeconfig') })).toBeNull()
  })
})
