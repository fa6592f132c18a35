import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createMask } from '../../../../src/support/mask.ts'
import { writeCommitted } from '../../../../src/targets/docker/configuration/committed-files.ts'
import { commitAll } from '../../../../testkit/project.ts'

/** Writes what Compose reads of a repository with these files; a text that begins with `->` is a link. */
async function written(
  files: Record<string, string>,
  { names = ['compose.yaml'], envFiles = [] as string[], workingDir = '' } = {}
) {
  const top = await mkdtemp(join(tmpdir(), 'pop-top-'))
  const root = await mkdtemp(join(tmpdir(), 'pop-root-'))
  onTestFinished(async () => {
    for (const dir of [top, root]) await rm(dir, { recursive: true, force: true })
  })
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(top, path)), { recursive: true })
    if (text.startsWith('->')) await symlink(text.slice(2), join(top, path))
    else await writeFile(join(top, path), text)
  }
  await commitAll(top)
  const mask = createMask()
  const found = await writeCommitted(
    mask,
    top,
    'HEAD',
    { files: names, envFiles, workingDir },
    root,
    AbortSignal.timeout(20_000)
  )
  const there = (await readdir(root, { recursive: true, withFileTypes: true })).filter((one) => one.isFile())
  return {
    ...found,
    mask,
    there: there.map(({ parentPath, name }) => join(parentPath, name).slice(root.length + 1)).sort()
  }
}

it('what Compose reads of a commit is the files that its files name, and no others', async () => {
  const found = await written({
    'compose.yaml':
      'include: [more/compose.yaml]\nservices: {web: {env_file: [web.env, {path: other.env}], extends: {file: base.yaml, service: base}}}',
    'more/compose.yaml': 'services: {db: {env_file: db.env}}',
    'more/db.env': 'A=1',
    'base.yaml': 'services: {base: {image: x}}',
    'web.env': 'B=2',
    'other.env': 'C=3',
    'secret.env': 'D=4',
    '.env': 'TAG=1'
  })
  expect(found.there).toEqual([
    '.env',
    'base.yaml',
    'compose.yaml',
    'more/compose.yaml',
    'more/db.env',
    'other.env',
    'web.env'
  ])
})

it('a variable that no environment file of the commit sets is open; a doubled dollar sign is none', async () => {
  const text = `services: {web: {image: "web:$TAG", command: "echo $$HOME \${OPEN:-x} \${SET}"}}`
  expect((await written({ 'compose.yaml': text, '.env': 'export SET=1\nTAG: 2\n' })).open).toEqual(['OPEN'])
  const named = await written(
    { 'compose.yaml': text, '.env': 'SET=1\n', 'prod.env': 'TAG=1' },
    { envFiles: ['prod.env'] }
  )
  expect(named.open).toEqual(['OPEN', 'SET'])
})

it.each([
  ['an absolute path', 'services: {web: {env_file: /etc/hostname}}'],
  ['a path out of the repository', 'services: {web: {env_file: ../../etc/hostname}}'],
  ['an included file outside', 'include: [../other/compose.yaml]'],
  ['an included server', 'include: ["https://example.com/repo.git"]'],
  ['an extended file outside', 'services: {web: {extends: {file: /etc/compose.yaml, service: x}}}'],
  ['a file of labels outside', 'services: {web: {label_file: /etc/hostname}}'],
  ['a path behind an anchor', 'x-a: &a {env_file: /etc/hostname}\nservices: {web: {<<: *a}}'],
  ['a file of a variable', `services: {web: {env_file: "\${WHERE}"}}`],
  ['a link', 'services: {web: {env_file: link.env}}'],
  ['a file that is not committed', 'services: {web: {env_file: absent.env}}'],
  ['another folder of an included file', 'include: [{path: more.yaml, project_directory: /}]'],
  ['several documents', 'services: {}\n---\nservices: {}']
])('%s makes the configuration of a commit unknown', async (_, text) => {
  await expect(written({ 'compose.yaml': text, 'link.env': '->/etc/hostname', 'more.yaml': '{}' })).rejects.toThrow(
    /outside the repository|by a variable|no regular file|not in the commit|project_directory|cannot be read/
  )
})

it('paths of a project are those of its folder, wherever its files are', async () => {
  const files = { 'deploy/prod.yaml': 'services: {web: {env_file: ../x.env}}', 'x.env': 'A=1', '../no': '' }
  const { '../no': _, ...inside } = files
  await expect(written(inside, { names: ['deploy/prod.yaml'] })).rejects.toThrow(/outside the repository/)
  expect((await written(inside, { names: ['deploy/prod.yaml'], workingDir: 'deploy' })).there).toContain('x.env')
})

it('values of environment files are masked', async () => {
  const { mask, root } = await written({ 'compose.yaml': 'services: {}', '.env': 'TOKEN=zebra-orange-42-battery\n' })
  expect(await readFile(join(root, '.env'), 'utf8')).toContain('zebra')
  expect(mask.text('line 1: zebra-orange-42-battery')).not.toContain('zebra')
})
