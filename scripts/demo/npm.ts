import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { publish } from '../../testkit/npm/publish.ts'
import { startVerdaccio, type Verdaccio } from '../../testkit/npm/verdaccio.ts'
import type { Scene } from './stage.ts'

const name = 'pop-demo-greeter'
const program = "module.exports = () => require('./greeting.js')\n"

/** A private registry with a good 1.1.0, and a 1.2.0 that forgot one of its files. */
const npmScene: Scene = async () => {
  const registry = await startVerdaccio()
  const projectDir = await mkdtemp(join(tmpdir(), 'pop-demo-'))
  await publish(registry.url, registry.writer, {
    name,
    version: '1.1.0',
    files: { 'index.js': program, 'greeting.js': "module.exports = 'Hello from 1.1.0'\n" }
  })
  const good = { version: '1.1.0', status: 'success', timestamp: new Date().toISOString(), error: null }
  await publish(registry.url, registry.writer, { name, version: '1.2.0', files: { 'index.js': program } })
  const error = "Cannot find module './greeting.js'"
  const broken = { version: '1.2.0', status: 'failed', timestamp: new Date().toISOString(), error }
  await writeProject(projectDir, registry, [broken, good])
  return {
    story: [
      `A private npm registry runs at ${registry.url}.`,
      `${name}@1.1.0 was published and worked; ${name}@1.2.0 was published, and one of its files was forgotten.`
    ],
    projectDir,
    env: { POP_DEMO_TOKEN: registry.writer },
    userSees: () => install(registry),
    stop: registry.stop
  }
}

export default npmScene

async function writeProject(projectDir: string, { url }: Verdaccio, records: object[]): Promise<void> {
  const token = '$'.concat('{POP_DEMO_TOKEN}')
  const deploy = {
    version: '1.0',
    project_name: name,
    targets: { npm: { enabled: true, primary: true, config: { tag: 'latest', rollback: { soak_seconds: 3 } } } },
    history: records.map((record) => ({
      ...record,
      target: 'npm',
      commit_sha: null,
      duration_ms: 900,
      rollback_to: null
    }))
  }
  await mkdir(join(projectDir, '.claude/popkit'), { recursive: true })
  await writeFile(join(projectDir, 'package.json'), `${JSON.stringify({ name, version: '1.2.0' }, null, 2)}\n`)
  await writeFile(join(projectDir, '.npmrc'), `registry=${url}\n${url.replace('http:', '')}:_authToken=${token}\n`)
  await writeFile(join(projectDir, '.claude/popkit/deploy.json'), `${JSON.stringify(deploy, null, 2)}\n`)
}

/** Installs the package in an empty folder and uses it, as anybody would. */
async function install({ url }: Verdaccio): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'pop-demo-user-'))
  try {
    await writeFile(join(folder, 'package.json'), '{"private":true}')
    const options = ['--registry', url, '--cache', join(folder, 'cache'), '--no-audit', '--no-fund', '--loglevel=error']
    await execa('npm', ['install', name, ...options], { cwd: folder })
    const use = `console.log(require('${name}')())`
    const { failed, stdout, stderr } = await execa(process.execPath, ['-e', use], { cwd: folder, reject: false })
    const said = failed ? (/Error: .*/.exec(stderr)?.[0] ?? 'it fails') : stdout
    return [`$ npm install ${name}`, `$ node -e "${use}"`, said]
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}
