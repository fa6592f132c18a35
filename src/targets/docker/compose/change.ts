import { dirname, join } from 'node:path'
import { readText } from '../../../support/read-text.ts'
import { tagPattern } from '../reference.ts'
import { type ComposeFile, projectComposeFiles, readComposeFiles, shortPath } from './files.ts'
import type { Owned } from './labels.ts'

/** The one change without which the next `docker compose up` undoes a rollback. */
export interface Change {
  service: string
  /** Where it is written: ".env, line 3"; null where it is not written in any file that can be read. */
  where: string | null
  /** "change TAG=1.2.0 to TAG=1.1.0". */
  what: string
}

interface Asked {
  owned: Pick<Owned, 'service' | 'files' | 'workingDir'>
  projectDir: string
  composeFile?: string | null | undefined
  /** The tag to go back to. */
  version: string
}

/** Finds file and line where a service's version is written. null when they name the wanted version already. */
export async function neededChange({ owned, projectDir, composeFile, version }: Asked): Promise<Change | null> {
  const { service } = owned
  const labelled = await readComposeFiles(owned.files)
  const files = labelled.length > 0 ? labelled : await projectComposeFiles(projectDir, composeFile)
  const written = [...files].reverse().flatMap((file) => {
    const image = file.image(service)
    return image ? [{ file, ...image }] : []
  })[0]
  if (!written)
    return {
      service,
      where: null,
      what: `make the Compose file of ${service} name ${version} (it cannot be read from here)`
    }
  const place = `${shortPath(written.file.path)}, line ${written.line}`
  const tag = tagOf(written.value)
  if (!tag) return { service, where: place, what: `let the image "${written.value}" have the tag ${version}` }
  if ('literal' in tag)
    return tag.literal === version
      ? null
      : { service, where: place, what: `change the tag ${tag.literal} to ${version}` }
  return ofVariable(tag, { service, version, file: written.file, place, folder: owned.workingDir })
}

interface Variable {
  variable: string
  fallback: string | null
}

/** What stands behind the last colon of an image: a tag, or a variable as Compose fills it in (compose-spec, "Interpolation"). */
function tagOf(image: string): { literal: string } | Variable | null {
  const literal = /:([\w][\w.-]{0,127})$/.exec(image)?.[1]
  if (literal) return { literal }
  const match = /:\$(?:\{(\w+)(?::?[-?+]([^}]*))?\}|(\w+))$/.exec(image)
  const variable = match?.[1] ?? match?.[3]
  return variable ? { variable, fallback: match?.[2] ?? null } : null
}

async function ofVariable(
  { variable, fallback }: Variable,
  {
    service,
    version,
    file,
    place,
    folder
  }: { service: string; version: string; file: ComposeFile; place: string; folder: string | null }
): Promise<Change | null> {
  const path = join(folder && dirname(file.path) === folder ? folder : dirname(file.path), '.env')
  const assigned = await assignment(path, variable)
  if (assigned) {
    if (assigned.value === version) return null
    const shown = tagPattern.test(assigned.value) ? `${variable}=${assigned.value}` : `the value of ${variable}`
    return {
      service,
      where: `${shortPath(path)}, line ${assigned.line}`,
      what: `change ${shown} to ${variable}=${version}`
    }
  }
  if (fallback === version) return null
  const where = `${place} (${variable} is set nowhere in .env)`
  return { service, where, what: `set ${variable}=${version} where Compose is called, or in .env` }
}

/** The last assignment of a variable in an env file. Nothing else of the file leaves this function. */
async function assignment(path: string, variable: string): Promise<{ line: number; value: string } | null> {
  const text = await readText(path).catch(() => '')
  const found = text.split(/\r?\n/).flatMap((content, index) => {
    const match = /^\s*(?:export\s+)?(\w+)\s*=\s*(.*?)\s*$/.exec(content)
    if (match?.[1] !== variable) return []
    const value = /^(["'])(.*)\1/.exec(match[2] ?? '')?.[2] ?? (match[2] ?? '').replace(/\s+#.*$/, '')
    return [{ line: index + 1, value }]
  })
  return found.at(-1) ?? null
}

export const changeLine = ({ where, what }: Change, version: string): string =>
  `${where ? `In ${where}: ` : ''}${what}. Without that, the next docker compose up takes the service away from ${version} again.`
