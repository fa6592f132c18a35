import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { type Monorepo, monorepo, monorepoTargets } from '../../testkit/npm/monorepo.ts'
import { startVerdaccio, type Verdaccio } from '../../testkit/npm/verdaccio.ts'
import type { Scene } from './stage.ts'

/** A private registry with three packages of one release, of which the one that the others pull is broken. */
const releaseScene: Scene = async () => {
  const registry = await startVerdaccio()
  const { url, writer } = registry
  const packages = await monorepo({ url, writer }, { soakSeconds: 2 })
  const [core, ...others] = monorepoTargets.map(packages.nameOf)
  return {
    story: [
      `A private npm registry runs at ${url}.`,
      `Three packages were published as 1.1.0, and worked: ${core}, and ${others.join(' and ')}, which pull it.`,
      `Then all three were published as 1.2.0 in one run, and one file of ${core} was forgotten.`
    ],
    projectDir: packages.dir,
    env: packages.env,
    target: 'all',
    userSees: () => install(registry, packages),
    stop: registry.stop
  }
}

export default releaseScene

/** Installs the two packages that people use in an empty folder, and uses them. */
async function install({ url }: Verdaccio, { nameOf }: Monorepo): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'pop-demo-user-'))
  const names = [nameOf('cli'), nameOf('ui')]
  try {
    await writeFile(join(folder, 'package.json'), '{"private":true}')
    const options = ['--registry', url, '--cache', join(folder, 'cache'), '--no-audit', '--no-fund', '--loglevel=error']
    await execa('npm', ['install', ...names, ...options], { cwd: folder })
    const lines = [`$ npm install ${names.join(' ')}`]
    for (const name of names) {
      const use = `console.log(require('${name}'))`
      const { failed, stdout, stderr } = await execa(process.execPath, ['-e', use], { cwd: folder, reject: false })
      lines.push(`$ node -e "${use}"`, failed ? (/Error: .*/.exec(stderr)?.[0] ?? 'it fails') : stdout)
    }
    return lines
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}
