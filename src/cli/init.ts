import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { DiscoveredTarget } from '../project/choose-target.ts'
import { locateDeployFile, projectPaths } from '../project/paths.ts'
import { stageFile } from '../project/replace-file.ts'
import { answerOf } from '../render/answer.ts'
import { discoverTargets, recordDeployment, withSession } from '../rollback/open-session.ts'
import { rememberProven } from '../rollback/remember.ts'
import type { ProjectContext } from '../rollback/session.ts'
import { ConfigError, InputError, messageOf } from '../support/errors.ts'
import { oneLine } from '../support/text.ts'
import type { Command, CommandContext } from './run.ts'

/** Writes deploy.json from what the project and its targets show, and records what serves now as the first evidence. */
export const init: Command = async (context) => {
  const { project } = context
  const path = placeForNew(project)
  const found = await discoverTargets(project)
  if (found.length === 0) throw nothingFound(path)
  await agreed(context, path, found)
  await mkdir(dirname(path), { recursive: true })
  const staged = await stageFile(path, `${JSON.stringify(deployFileOf(project, found), null, 2)}\n`)
  try {
    if (!(await staged.create())) throw exists(path)
  } finally {
    await staged.discard()
  }
  const targets: Started[] = []
  for (const { name } of found) targets.push(await start(project, name))
  const summary = [`Wrote ${path}.`, ...targets.map(({ says }) => `  ${says}`), '', ...beforeTheFirstOutage].join('\n')
  return answerOf({ ok: true, summary, next: [], data: { path, targets } }, project.mask)
}

const beforeTheFirstOutage = [
  'Before the first outage:',
  '  1. Commit deploy.json.',
  '  2. Record each deployment once it serves: pop-deploy-rollback record --target T --version V --status success',
  '  3. See whether a rollback would work: pop-deploy-rollback assess'
]

/** Where deploy.json goes. @throws InputError when there is one. */
function placeForNew({ projectDir, env }: ProjectContext): string {
  const { path } = locateDeployFile(projectPaths(projectDir), env)
  if (existsSync(path)) throw exists(path)
  return path
}

/** @throws InputError when nobody said yes. */
async function agreed(
  { flags, terminal, project }: CommandContext,
  path: string,
  found: readonly DiscoveredTarget[]
): Promise<void> {
  if (flags.yes) return
  const listed = found.map(({ name, because }) => `  ${name}: ${because}`).join('\n')
  const question = project.mask.text(`Found in the project:\n${listed}\nWrite ${path} with that?`)
  const answer = terminal.interactive ? await terminal.ask(`${question} [y/N] `) : ''
  if (/^y(es)?$/i.test(answer)) return
  throw new InputError({
    what: 'deploy.json was not written',
    why: terminal.interactive ? 'the answer was not yes' : 'there is no terminal to ask on',
    state: 'Nothing was changed.',
    next: 'Run it with --yes to write what was found, or write the file by hand.',
    code: 'not_confirmed'
  })
}

const deployFileOf = ({ projectDir }: ProjectContext, found: readonly DiscoveredTarget[]) => ({
  $schema: 'https://unpkg.com/pop-deploy-rollback/schema/deploy.schema.json',
  version: '1.0',
  project_name: basename(projectDir),
  targets: Object.fromEntries(
    found.map(({ name, config }, index) => [name, { enabled: true, primary: index === 0, automatic: false, config }])
  ),
  history: []
})

interface Started {
  target: string
  recorded: string | null
  says: string
}

/** Records what serves on a target as good, where the target shows that it serves well. */
async function start(project: ProjectContext, target: string): Promise<Started> {
  const left = (why: string): Started => ({ target, recorded: null, says: `${target}: nothing recorded; ${why}` })
  try {
    return await withSession(project, { target }, async (session) => {
      const { current, health, snapshot } = (await session.target.observe(AbortSignal.timeout(15_000))).observation
      if (!current) return left('nothing serves now')
      const { version, id: digest, commit } = current
      if (health.state !== 'healthy' || health.unchecked) {
        const command = `pop-deploy-rollback record --target ${target} --version ${version} --status success`
        return left(`${version}: ${health.message}. If you know that it serves well: ${command}`)
      }
      await rememberProven(session)
      const seen = { digest, ...(commit && { commit }), ...(snapshot && { snapshot }) }
      await recordDeployment(project, projectPaths(project.projectDir), target, { version, status: 'success', ...seen })
      return { target, recorded: version, says: `${target}: ${version} serves, and is recorded as good` }
    })
  } catch (error) {
    return left(oneLine(messageOf(error)))
  }
}

const exists = (path: string): InputError =>
  new InputError({
    what: 'There is a deploy.json already',
    why: `it is ${path}`,
    state: 'Nothing was changed.',
    next: 'Add targets to it by hand; its JSON Schema says which fields they have.',
    code: 'deploy_file_exists'
  })

const nothingFound = (path: string): ConfigError =>
  new ConfigError({
    what: 'Nothing that is deployed was found in the project',
    why: 'there is no Compose file or Dockerfile, no Kubernetes manifest, and no sign of a package or platform',
    state: 'Nothing was changed.',
    next: `Write ${path} by hand; the README shows one.`,
    code: 'nothing_found'
  })
