import { isAbsolute, resolve } from 'node:path'
import { z } from 'zod'
import { parseOutsideJson } from '../../../support/nesting.ts'
import type { DockerContext } from '../context.ts'
import type { ContainerSummary } from '../objects/schemas.ts'
import { composeFileSet, readComposeFiles } from './files.ts'
import { isOneOff, ownedBy } from './labels.ts'
import { callCompose, findCompose } from './program.ts'

/** What Compose needs to read a project as it was read when it was deployed. */
export const locationSchema = z.object({
  files: z.array(z.string()).min(1),
  envFiles: z.array(z.string()),
  /** Only where one was given; by default Compose uses the folder of the first file. */
  workingDir: z.string().nullable()
})

export type ComposeLocation = z.infer<typeof locationSchema>

/** A project as Compose reads it: files merged, variables filled in. */
export interface ReadProject {
  name: string
  /** Image by service, where it has one. */
  images: ReadonlyMap<string, string | null>
  /** Services for whose end others wait. */
  jobs: ReadonlySet<string>
}

/**
 * Where the project's files are: from the labels of a container of it, if its files can be read here; else as configured, or where
 * Compose would find them in the project's folder. null without a file.
 */
export async function findLocation(
  docker: DockerContext,
  all: readonly ContainerSummary[],
  signal: AbortSignal
): Promise<ComposeLocation | null> {
  signal.throwIfAborted()
  const files = await composeFileSet(docker)
  return (await locationOfSiblings(docker, all, files)) ?? (files[0] ? { files, envFiles: [], workingDir: null } : null)
}

async function locationOfSiblings(
  { config, projectDir }: DockerContext,
  all: readonly ContainerSummary[],
  own: readonly string[]
): Promise<ComposeLocation | null> {
  const siblings = all
    .filter((summary) => !isOneOff(summary))
    .flatMap(({ Labels }) => ownedBy(Labels) ?? [])
    .filter(({ project, files }) => (config.project ? project === config.project : own[0] && files.includes(own[0])))
  const found = new Map<string, ComposeLocation>()
  for (const { files, envFiles, workingDir } of siblings) {
    if (!files[0] || (await readComposeFiles(files)).length < files.length) continue
    const location = { files, envFiles: envFiles.map((path) => absolute(workingDir ?? projectDir, path)), workingDir }
    found.set(JSON.stringify(location), location)
  }
  return found.size === 1 ? ([...found.values()][0] ?? null) : null
}

/** Every path by which a project may be read: those that its containers name, and those of the project's folder. */
export async function knownPaths(
  docker: DockerContext,
  project: string,
  all: readonly ContainerSummary[]
): Promise<Set<string>> {
  const named = all
    .flatMap(({ Labels }) => ownedBy(Labels) ?? [])
    .filter((owned) => owned.project === project)
    .flatMap(({ files, envFiles, workingDir }) => [
      ...files,
      ...envFiles.map((path) => absolute(workingDir ?? docker.projectDir, path)),
      ...(workingDir ? [workingDir] : [])
    ])
  return new Set([...named, ...(await composeFileSet(docker))])
}

const absolute = (folder: string, path: string): string => (isAbsolute(path) ? path : resolve(folder, path))

/** The options that select a project for Compose. */
export const locationOptions = (
  { files, envFiles, workingDir }: ComposeLocation,
  { project, profiles }: { project?: string | null | undefined; profiles?: 'all' } = {}
): string[] => [
  ...(project ? ['--project-name', project] : []),
  ...(workingDir ? ['--project-directory', workingDir] : []),
  ...envFiles.flatMap((path) => ['--env-file', path]),
  ...files.flatMap((path) => ['--file', path]),
  ...(profiles ? ['--profile', '*'] : [])
]

const readSchema = z.looseObject({
  name: z.string(),
  services: z
    .record(z.string(), z.looseObject({ image: z.string().nullish(), depends_on: z.unknown().optional() }))
    .nullish()
})

const dependsOnSchema = z.record(z.string(), z.looseObject({ condition: z.string().optional() }))

/** Reads a project by Compose itself; null without the program. @throws TargetError with what Compose said. */
export async function readProject(
  docker: DockerContext,
  location: ComposeLocation,
  { profiles }: { profiles?: 'all' },
  signal: AbortSignal
): Promise<ReadProject | null> {
  const program = await findCompose(docker.env)
  if (!program) return null
  const { project } = docker.config
  const options = locationOptions(location, { project, ...(profiles && { profiles }) })
  const output = await callCompose(docker, program, [...options, 'config', '--format', 'json'], {
    signal,
    limitMs: 60_000
  })
  const { name, services } = readSchema.parse(parseOutsideJson(output))
  return {
    name,
    images: new Map(Object.entries(services ?? {}).map(([service, { image }]) => [service, image ?? null])),
    jobs: new Set(Object.values(services ?? {}).flatMap(({ depends_on }) => jobsIn(depends_on)))
  }
}

/** The services that one waits for to end; Compose writes the long form. */
const jobsIn = (dependsOn: unknown): string[] =>
  Object.entries(dependsOnSchema.safeParse(dependsOn).data ?? {}).flatMap(([service, { condition }]) =>
    condition === 'service_completed_successfully' ? [service] : []
  )
