import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'
import { z } from 'zod'
import { git } from '../../../project/git.ts'
import { messageOf } from '../../../support/errors.ts'
import type { Mask } from '../../../support/mask.ts'
import { parseYaml, yamlValue } from '../../../support/yaml-documents.ts'
import { assignments } from './assignments.ts'

/** The configuration of a commit cannot be known exactly; the message says why. */
export class NotExact extends Error {}

/** The files that Compose reads of a commit, written into a folder of their own. */
export interface CommittedFiles {
  /** The folder that stands for the top of the repository. */
  root: string
  /** Paths below `root`. */
  files: string[]
  envFiles: string[]
  /** Variables that the files fill in, and that none of them sets. */
  open: string[]
}

const mostFiles = 50
const mostCharacters = 1_000_000

const one = z.union([z.string(), z.looseObject({ path: z.string(), required: z.boolean().optional() })])
const envFilesSchema = z.union([one, z.array(one)]).nullish()
const includeSchema = z
  .array(
    z.union([
      z.string(),
      z.looseObject({
        path: z.union([z.string(), z.array(z.string())]),
        project_directory: z.string().nullish(),
        env_file: envFilesSchema
      })
    ])
  )
  .nullish()
const serviceSchema = z.looseObject({
  extends: z.union([z.string(), z.looseObject({ file: z.string().nullish() })]).nullish(),
  env_file: envFilesSchema,
  label_file: z.union([z.string(), z.array(z.string())]).nullish()
})
const fileSchema = z.looseObject({
  include: includeSchema,
  services: z.record(z.string(), serviceSchema.nullish()).nullish()
})

/**
 * Writes what Compose reads of a commit into a folder: the Compose files, and every file that they name to be read. Nothing outside the
 * repository can be read by it: a path that leads out of it, a link, or one with a variable is refused.
 * @param files paths from the top of the repository.
 * @throws NotExact where the commit lacks one of them.
 */
export async function writeCommitted(
  mask: Mask,
  top: string,
  commit: string,
  { files, envFiles, workingDir }: { files: readonly string[]; envFiles: readonly string[]; workingDir: string },
  root: string,
  signal: AbortSignal
): Promise<CommittedFiles> {
  const written = new Map<string, string>()
  const take = async (path: string): Promise<string | null> => {
    const known = written.get(path)
    if (known !== undefined) return known
    if (written.size >= mostFiles) throw new NotExact(`its Compose files name more than ${mostFiles} files`)
    const text = await fileAt(top, commit, path, signal)
    if (text === null) return null
    written.set(path, text)
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text, { mode: 0o600 })
    return text
  }
  const must = async (path: string): Promise<string> => {
    const text = await take(path)
    if (text === null) throw new NotExact(`${path} is not in the commit`)
    return text
  }
  const environment = new Set<string>()
  /** What a file names is relative to its own folder; what one of the project names, to the project's. */
  const compose = async (path: string, folder: string): Promise<void> => {
    if (written.has(path)) return
    const named = filesNamedIn(path, folder, await documentOf(path, await must(path)))
    for (const env of named.environment) {
      await must(env)
      environment.add(env)
    }
    for (const file of named.compose) await compose(file, posix.dirname(file))
  }
  for (const file of files) await compose(file, workingDir || '.')
  const usual = envFiles.length > 0 ? envFiles : [posix.join(workingDir, '.env')]
  const there: string[] = []
  for (const path of usual) if ((await take(path)) !== null) there.push(path)
  for (const path of [...environment, ...there]) hide(mask, written.get(path) ?? '')
  const assigned = new Set(there.flatMap((path) => assignments(written.get(path) ?? '').map(({ name }) => name)))
  return {
    root,
    files: [...files],
    envFiles: envFiles.length > 0 ? there : [],
    open: [...new Set([...written.values()].flatMap(filledIn))].filter((name) => !assigned.has(name))
  }
}

/** Compose quotes a line that it does not understand. */
function hide(mask: Mask, text: string): void {
  for (const { name, value } of assignments(text)) mask.addVariable(name, value)
}

/** `$NAME`, `${NAME}` and `${NAME:-other}` (compose-spec, "Interpolation"). */
const filledIn = (text: string): string[] =>
  [...text.replaceAll('$$', '').matchAll(/\$\{?([A-Za-z_]\w{0,200})/g)].flatMap(([, name]) => name ?? [])

async function documentOf(path: string, text: string): Promise<unknown> {
  try {
    const documents = await parseYaml(text, { most: mostCharacters })
    if (documents.length > 1) throw new Error('it has several documents')
    return yamlValue(documents[0])
  } catch (error) {
    throw new NotExact(`${path} of the commit cannot be read: ${messageOf(error)}`)
  }
}

function filesNamedIn(path: string, from: string, document: unknown): { compose: string[]; environment: string[] } {
  const parsed = fileSchema.safeParse(document ?? {})
  if (!parsed.success) throw new NotExact(`${path} of the commit is no Compose file that can be read safely`)
  const { include, services } = parsed.data
  const inside = (named: string): string => insideRepository(from, named)
  const all = Object.values(services ?? {}).filter((service) => service != null)
  const compose = (include ?? []).flatMap((item) => {
    if (typeof item === 'string') return [inside(item)]
    if (item.project_directory) throw new NotExact(`${path} includes a file with a project_directory of its own`)
    // Compose reads the .env beside an included file unless another one is named.
    return [item.path].flat().map(inside)
  })
  const included = (include ?? []).flatMap((item) => (typeof item === 'string' ? [] : envPaths(item.env_file)))
  return {
    compose: [
      ...compose,
      ...all.flatMap(({ extends: base }) => (base && typeof base !== 'string' && base.file ? [inside(base.file)] : []))
    ],
    environment: [
      ...included,
      ...all.flatMap(({ env_file, label_file }) => [...envPaths(env_file), ...[label_file ?? []].flat()])
    ].map(inside)
  }
}

const envPaths = (given: z.infer<typeof envFilesSchema>): string[] =>
  [given ?? []].flat().map((item) => (typeof item === 'string' ? item : item.path))

/** @throws NotExact for a path that leads out of the repository, or is not known before variables are filled in. */
export function insideRepository(folder: string, named: string): string {
  const path = posix.normalize(posix.join(folder, named))
  if (named.includes('$')) throw new NotExact('its Compose files name a file by a variable')
  if (posix.isAbsolute(named) || path === '..' || path.startsWith('../') || /[\\:]|\p{Cc}/u.test(named))
    throw new NotExact('its Compose files read a file from outside the repository')
  return path
}

/** The text of a regular file of a commit; null when it has none of that name. */
export async function fileAt(top: string, commit: string, path: string, signal: AbortSignal): Promise<string | null> {
  const listed = await git(top, ['ls-tree', '-z', '--full-tree', commit, '--', `:(literal,top)${path}`], signal)
  const [mode = '', kind, hash] = (listed ?? '').split('\t')[0]?.split(' ') ?? []
  if (!hash) return null
  if (kind !== 'blob' || !/^100/.test(mode)) throw new NotExact(`${path} of the commit is no regular file`)
  const size = Number(await git(top, ['cat-file', '-s', hash], signal))
  if (!(size <= mostCharacters)) throw new NotExact(`${path} of the commit is too large`)
  const text = await git(top, ['cat-file', 'blob', hash], signal)
  if (text === null) throw new NotExact(`${path} of the commit cannot be read from the repository`)
  return text
}
