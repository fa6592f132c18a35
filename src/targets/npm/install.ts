import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { tryOutsideJson } from '../../support/nesting.ts'
import { readText } from '../../support/read-text.ts'
import { type ProgramResult, runProgram } from '../../support/run-program.ts'
import { oneLine, quoted } from '../../support/text.ts'
import { containedNpm } from './contained-npm.ts'
import type { NpmContext } from './context.ts'
import type { Login } from './logins.ts'
import { escapedName } from './names.ts'
import { findNpm } from './npm-config.ts'
import type { NpmSettings } from './settings.ts'

/** Shorter than the limit of a whole verification, so that the other checks are reported. */
const limitMs = 90_000

/** A package that was installed along. */
export interface TreePackage {
  name: string
  version: string
}

/** What became of an installation; `leftOut` are optional dependencies that npm went on without. */
export type Installed =
  | { state: 'installed'; version: string; integrity: string | null; leftOut: string[]; siblings: TreePackage[] }
  | { state: 'failed' | 'unknown'; detail: string }

/**
 * Installs the package by its tag in an empty folder, with an empty cache. The package and its dependencies may be hostile, so npm may
 * start no program (no scripts, no git) and knows nothing of this machine; it gets a login only after the registry refused without.
 */
export async function installByTag(context: NpmContext, signal: AbortSignal): Promise<Installed> {
  const { settings } = context
  const npm = await findNpm(context.env, context.projectDir)
  if (!npm) return { state: 'unknown', detail: 'npm is not on PATH, so the package cannot be installed' }
  const login = settings.logins.to(settings.registry)
  const { needsLogin, ...first } = await attempt(npm, context, login.cert ? login : {}, signal)
  if (!needsLogin || login.cert || !(login.token || login.auth)) return first.installed
  return (await attempt(npm, context, login, signal)).installed
}

async function attempt(
  npm: string,
  context: NpmContext,
  login: Login,
  signal: AbortSignal
): Promise<{ installed: Installed; needsLogin: boolean }> {
  const { settings, mask } = context
  const folder = await mkdtemp(join(tmpdir(), 'pop-npm-'))
  try {
    const { args, variables } = await containedNpm(folder, context, login)
    const result = await runProgram(npm, args, {
      cwd: folder,
      env: {},
      variables,
      signal,
      limitMs,
      maxOutput: 1024 * 1024
    })
    if (result.ok) return { installed: await found(settings, folder), needsLogin: false }
    return why(settings, result.problem, mask.text(result.stdout), mask.text(result.stderr))
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

const dependenciesSchema = z.record(z.string(), z.unknown()).optional()
const lockSchema = z.looseObject({
  packages: z.record(
    z.string(),
    z.looseObject({
      version: z.string().optional(),
      integrity: z.string().optional(),
      optionalDependencies: dependenciesSchema
    })
  )
})

async function found({ name, siblings }: NpmSettings, folder: string): Promise<Installed> {
  const manifest = z
    .looseObject({ version: z.string() })
    .safeParse(await readJson(join(folder, 'node_modules', name, 'package.json')))
  const lock = lockSchema.safeParse(await readJson(join(folder, 'package-lock.json')))
  if (!manifest.success) return { state: 'failed', detail: 'npm reported success, but the package is not installed' }
  const packages = lock.success ? lock.data.packages : {}
  const tree = Object.entries(packages).map(([path, { version }]) => ({
    name: path.split('node_modules/').at(-1) ?? '',
    version
  }))
  const there = new Set(tree.map((one) => one.name))
  const optional = Object.values(packages).flatMap((one) => Object.keys(one.optionalDependencies ?? {}))
  return {
    state: 'installed',
    version: manifest.data.version,
    integrity: packages[`node_modules/${name}`]?.integrity ?? null,
    siblings: tree.flatMap((one) =>
      one.version && siblings.includes(one.name) ? [{ name: one.name, version: one.version }] : []
    ),
    leftOut: [...new Set(optional)].filter((one) => !there.has(one))
  }
}

const readJson = async (path: string): Promise<unknown> => tryOutsideJson(await readText(path).catch(() => ''))

const tooMuch = 'the installation took more than 2 GB of memory or 4 GB of disk'

const errorSchema = z.looseObject({
  error: z.looseObject({ code: z.string().nullish(), summary: z.string().nullish(), detail: z.string().nullish() })
})

/** A failure that concerns another package, the network or this machine says nothing about the candidate. */
function why(
  { name }: NpmSettings,
  problem: ProgramResult['problem'],
  stdout: string,
  stderr: string
): { installed: Installed; needsLogin: boolean } {
  const unknown = (detail: string) => ({ installed: { state: 'unknown', detail } as const, needsLogin: false })
  if (problem === 'timed_out') return unknown(`npm did not finish within ${limitMs / 1000} seconds`)
  if (problem) return unknown(`npm was ended: ${problem === 'killed' ? tooMuch : oneLine(problem)}`)
  const parsed = errorSchema.safeParse(tryOutsideJson(stdout))
  const { summary, detail, ...said } = parsed.success ? parsed.data.error : {}
  // Old versions print what they say in JSON among the lines of stderr.
  const code = said.code ?? /^npm (?:ERR!|error) code (\w+)$/m.exec(stderr)?.[1] ?? ''
  if (code.startsWith('EALLOW'))
    return unknown(
      `not installed: a dependency comes from git or a local folder; this check fetches neither, because that can run code of theirs (${quoted(detail || summary || code, 160)})`
    )
  const reason = oneLine(summary || stderr.trim().split('\n')[0] || 'npm gave no reason', 240)
  const aboutUs = mentions(`${summary ?? ''} ${stderr}`, name) || mentions(summary ?? '', escapedName(name))
  const elsewhere =
    /^(ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ENOSPC|EACCES|EPERM|ERR_SOCKET|FETCH_ERROR|E5\d\d|E429|EBADPLATFORM|EBADENGINE)/.test(
      code
    )
  return {
    installed: {
      state: aboutUs && !elsewhere ? 'failed' : 'unknown',
      detail: `npm install failed${code ? ` with ${oneLine(code, 40)}` : ''}: ${quoted(reason, 240)}`
    },
    needsLogin: /^E(40[134]|NEEDAUTH)$/.test(code)
  }
}

/** Whether a text names the package, and not one whose name only begins or ends alike. */
const mentions = (text: string, name: string): boolean =>
  new RegExp(`(^|[^\\w.~-])${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}([^\\w.~-]|$)`).test(text)
