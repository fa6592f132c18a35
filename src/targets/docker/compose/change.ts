import { dirname, join } from 'node:path'
import { readText } from '../../../support/read-text.ts'
import { parseReference, tagPattern } from '../objects/reference.ts'
import { type Assignment, assignment, readComposeFiles, shortPath, type Written } from './files.ts'
import type { Owned } from './labels.ts'

/** The one change without which the next `docker compose up` undoes a rollback. */
export interface Change {
  service: string
  /** Where it is written: ".env, line 3"; null where it is not written in any file that can be read. */
  where: string | null
  /** "change TAG=1.2.0 to TAG=1.1.0". */
  what: string
}

/** The image that must be written so that the next `up` keeps it. */
export interface Wanted {
  /** null for an image that no tag names. */
  tag: string | null
  /** An image id, or `repository@digest`. */
  exact: string
}

export type ServiceFiles = Pick<Owned, 'service' | 'files' | 'envFiles' | 'workingDir'>

interface ChangeQuery {
  owned: ServiceFiles
  /** The files of the project's folder, where those that the container names cannot be read. */
  fallback: readonly string[]
  projectDir: string
  wanted: Wanted
}

/** Finds file and line where a service's version is written. null when the wanted one is written already. */
export async function neededChange({ owned, fallback, projectDir, wanted }: ChangeQuery): Promise<Change | null> {
  const { service } = owned
  const labelled = await readComposeFiles(owned.files)
  const files = labelled.length > 0 ? labelled : await readComposeFiles(fallback)
  const images = await Promise.all(files.map((file) => file.image(service)))
  const written = images.findLast((image) => image !== null)
  if (!written)
    return {
      service,
      where: null,
      what: `make the Compose file of ${service} name ${wanted.tag ?? wanted.exact} (it cannot be read from here)`
    }
  const folder = labelled.length > 0 ? owned.workingDir : null
  const folders = [folder ?? dirname(files[0]?.path ?? projectDir), projectDir].map((path) => join(path, '.env'))
  const envFiles = owned.envFiles.length > 0 ? [...owned.envFiles].reverse() : folders
  const found = await changeOf(written, wanted, envFiles)
  return found && { service, ...found }
}

type Found = Omit<Change, 'service'> | null

const lineOf = ({ path, line }: { path: string; line: number }): string => `${shortPath(path)}, line ${line}`

async function changeOf(written: Written, wanted: Wanted, envFiles: readonly string[]): Promise<Found> {
  const { value } = written
  const where = lineOf(written)
  const whole = variableIn(/^\$(?:\{(\w+)(?::?[-?+]([^{}]*))?\}|(\w+))$/, value)
  if (whole) return ofWholeVariable(whole, wanted, { written, envFiles })
  if (value === wanted.exact) return null
  if (!wanted.tag) return { where, what: `change the image ${value} to ${wanted.exact}` }
  const digest = value.indexOf('@')
  if (digest >= 0) return ofDigest(value.slice(0, digest), value, { wanted, where })
  const literal = /:([\w][\w.-]{0,127})$/.exec(value)?.[1]
  if (literal) return literal === wanted.tag ? null : { where, what: `change the tag ${literal} to ${wanted.tag}` }
  const tag = variableIn(/:\$(?:\{(\w+)(?::?[-?+]([^{}]*))?\}|(\w+))$/, value)
  if (!tag) return { where, what: `give the image "${value}" the tag ${wanted.tag}` }
  return ofTagVariable(tag, wanted.tag, { written, envFiles })
}

/** A digest decides, whatever the tag before it is. */
function ofDigest(name: string, value: string, { wanted, where }: { wanted: Wanted; where: string }): Found {
  const digest = /@(sha256:[a-f0-9]{64})$/.exec(wanted.exact)?.[1]
  if (digest && value.endsWith(`@${digest}`)) return null
  const tagless = name.replace(/:[\w][\w.-]{0,127}$/, '')
  return { where, what: `change ${value} to ${tagless}:${wanted.tag}${digest ? `@${digest}` : ''}` }
}

interface Variable {
  variable: string
  fallback: string | null
}

/** A variable as Compose fills it in (compose-spec, "Interpolation"). */
function variableIn(pattern: RegExp, image: string): Variable | null {
  const match = pattern.exec(image)
  const variable = match?.[1] ?? match?.[3]
  return variable ? { variable, fallback: match?.[2] ?? null } : null
}

interface WrittenVariable {
  written: Written
  /** The first that sets a variable decides. */
  envFiles: readonly string[]
}

async function ofTagVariable({ variable, fallback }: Variable, tag: string, found: WrittenVariable): Promise<Found> {
  const assigned = await assignedIn(found.envFiles, variable)
  if (!assigned) return fallback === tag ? null : unset(variable, tag, found)
  if (assigned.value === tag) return null
  const shown = tagPattern.test(assigned.value) ? `${variable}=${assigned.value}` : `the value of ${variable}`
  return { where: lineOf(assigned), what: `change ${shown} to ${variable}=${tag}` }
}

async function ofWholeVariable(
  { variable, fallback }: Variable,
  wanted: Wanted,
  found: WrittenVariable
): Promise<Found> {
  const assigned = await assignedIn(found.envFiles, variable)
  const now = parseReference(assigned?.value ?? fallback ?? '')
  const written = assigned?.value ?? fallback
  if (written === wanted.exact || (now?.tag && now.tag === wanted.tag && !now.digest)) return null
  const image = wanted.tag && now ? `${now.repository}:${wanted.tag}` : wanted.exact
  if (!assigned) return unset(variable, image, found)
  return { where: lineOf(assigned), what: `set ${variable} to ${image}` }
}

const unset = (variable: string, value: string, { written }: WrittenVariable): Found => ({
  where: `${lineOf(written)} (${variable} is not set in .env)`,
  what: `set ${variable}=${value} in .env, or wherever Compose is run`
})

async function assignedIn(paths: readonly string[], variable: string): Promise<(Assignment & { path: string }) | null> {
  for (const path of paths) {
    const found = assignment(await readText(path).catch(() => ''), variable)
    if (found) return { ...found, path }
  }
  return null
}

export const changeLine = ({ where, what }: Change, version: string): string =>
  `${where ? `In ${where}: ` : ''}${what}. Otherwise the next docker compose up replaces ${version} again.`
