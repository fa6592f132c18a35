import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import type { JsonObject } from '../../src/model/json.ts'
import { historyRecord } from '../../testkit/history-record.ts'
import { publish } from '../../testkit/npm/publish.ts'
import { npmrc } from '../../testkit/npm/registry.ts'
import { startVerdaccio, type Verdaccio } from '../../testkit/npm/verdaccio.ts'
import { testProject } from '../../testkit/project.ts'
import type { Scene } from './stage.ts'

const name = 'pop-demo-greeter'
const program = "module.exports = () => require('./greeting.js')\n"

/** A private registry with a good 1.1.0, and a 1.2.0 that forgot one of its files. */
const npmScene: Scene = async () => {
  const registry = await startVerdaccio()
  await publish(registry.url, registry.writer, {
    name,
    version: '1.1.0',
    files: { 'index.js': program, 'greeting.js': "module.exports = 'Hello from 1.1.0'\n" }
  })
  const good = historyRecord('npm', '1.1.0', 'success', new Date().toISOString())
  await publish(registry.url, registry.writer, { name, version: '1.2.0', files: { 'index.js': program } })
  const error = "Cannot find module './greeting.js'"
  const broken = historyRecord('npm', '1.2.0', 'failed', new Date().toISOString(), { error })
  const projectDir = await demoProject(registry, [broken, good])
  return {
    story: [
      `A private npm registry runs at ${registry.url}.`,
      `${name}@1.1.0 was published and worked; ${name}@1.2.0 was published, and one of its files was forgotten.`
    ],
    projectDir,
    env: { npm_config_userconfig: join(projectDir, 'user-npmrc'), POP_DEMO_TOKEN: registry.writer },
    userSees: () => install(registry),
    stop: registry.stop
  }
}

export default npmScene

/** A project, beside it a user's npmrc that takes the login from the environment, as in CI. */
async function demoProject({ url }: Verdaccio, history: JsonObject[]): Promise<string> {
  const { dir } = await testProject({
    version: '1.0',
    project_name: name,
    targets: { npm: { enabled: true, primary: true, config: { tag: 'latest', rollback: { soak_seconds: 3 } } } },
    history
  })
  await writeFile(join(dir, 'package.json'), `${JSON.stringify({ name, version: '1.2.0' }, null, 2)}\n`)
  await writeFile(join(dir, 'user-npmrc'), npmrc(url, '$'.concat('{POP_DEMO_TOKEN}')))
  return dir
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
