import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { messageOf } from '../../../support/errors.ts'
import { parseOutsideJson } from '../../../support/nesting.ts'
import { quoteTail } from '../../../support/quote.ts'
import { runProgram } from '../../../support/run-program.ts'
import { quoted } from '../../../support/text.ts'
import { findCompose, onlyLocalFiles } from '../compose/program.ts'
import type { DockerContext } from '../context.ts'
import { type CommittedFiles, NotExact, writeCommitted } from './committed-files.ts'
import type { CommitReference } from './reference.ts'

const strings = z.array(z.string()).nullish()
const number = z.union([z.string(), z.number()]).nullish()

const serviceSchema = z.looseObject({
  image: z.string().nullish(),
  environment: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).nullable()).nullish(),
  command: strings,
  entrypoint: strings,
  user: z.string().nullish(),
  working_dir: z.string().nullish(),
  stop_signal: z.string().nullish(),
  labels: z.record(z.string(), z.string()).nullish(),
  healthcheck: z
    .looseObject({
      test: strings,
      interval: z.string().nullish(),
      timeout: z.string().nullish(),
      start_period: z.string().nullish(),
      start_interval: z.string().nullish(),
      retries: z.number().nullish(),
      disable: z.boolean().nullish()
    })
    .nullish(),
  volumes: z
    .array(
      z.looseObject({
        type: z.string(),
        source: z.string().nullish(),
        target: z.string(),
        read_only: z.boolean().nullish()
      })
    )
    .nullish(),
  ports: z
    .array(
      z.looseObject({
        host_ip: z.string().nullish(),
        published: number,
        target: z.number(),
        protocol: z.string().nullish()
      })
    )
    .nullish(),
  networks: z.record(z.string(), z.unknown()).nullish(),
  privileged: z.boolean().nullish(),
  cap_add: strings,
  cap_drop: strings,
  security_opt: strings,
  group_add: strings,
  devices: z
    .array(z.union([z.string(), z.looseObject({ source: z.string(), target: z.string().nullish() })]))
    .nullish(),
  network_mode: z.string().nullish(),
  pid: z.string().nullish(),
  ipc: z.string().nullish(),
  uts: z.string().nullish(),
  userns_mode: z.string().nullish(),
  read_only: z.boolean().nullish(),
  restart: z.string().nullish(),
  mem_limit: number,
  cpus: number,
  secrets: z.array(z.looseObject({ source: z.string(), target: z.string().nullish() })).nullish(),
  configs: z.array(z.looseObject({ source: z.string(), target: z.string().nullish() })).nullish()
})

const namedSchema = z.record(z.string(), z.looseObject({ name: z.string().nullish() }).nullish()).nullish()

const projectSchema = z.looseObject({
  services: z.record(z.string(), serviceSchema).nullish(),
  volumes: namedSchema,
  networks: namedSchema
})

/** A service of a Compose file as Compose renders it; texts have their `$$` still doubled. */
export type RenderedService = z.infer<typeof serviceSchema>

/** A service at a commit. */
export interface ServiceAtCommit {
  service: RenderedService
  /** The same with every variable that the commit does not set filled in by another text: what differs is not known. */
  other: RenderedService
  /** Names on the engine, by their names in the file. */
  volumes: ReadonlyMap<string, string>
  networks: ReadonlyMap<string, string>
  /** The folder that stood for the top of the repository. */
  root: string
}

const limitMs = 30_000

/**
 * Has Compose render a service as the files of a commit describe it, in a folder of its own that is removed again. No variable of this
 * process takes part.
 * @throws NotExact where the commit does not tell; the signal's reason.
 */
export async function renderedAt(
  docker: DockerContext,
  top: string,
  { commit, files, env_files, working_dir, project, service }: CommitReference,
  signal: AbortSignal
): Promise<ServiceAtCommit> {
  const program = await findCompose(docker.env)
  if (!program) throw new NotExact('Docker Compose v2, which reads the files, was not found')
  const root = await mkdtemp(join(tmpdir(), 'pop-config-')).catch((error: unknown) => {
    throw new NotExact(`no temporary folder can be made: ${messageOf(error)}`)
  })
  try {
    const paths = { files, envFiles: env_files, workingDir: working_dir }
    const committed = await writeCommitted(docker.mask, top, commit, paths, root, signal)
    const reserved = committed.open.find((name) => /^(DOCKER|COMPOSE)_/.test(name))
    if (reserved) throw new NotExact(`its files depend on the variable ${reserved}`)
    const call = { program, committed, folder: join(root, working_dir), project, signal }
    const [first, second] = [await render(docker, call, '1'), await render(docker, call, '2')]
    const [rendered, other] = [first.services?.[service], second.services?.[service]]
    if (!rendered || !other) throw new NotExact(`${service} is not in its Compose files`)
    return { service: rendered, other, volumes: namesIn(first.volumes), networks: namesIn(first.networks), root }
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

const namesIn = (given: z.infer<typeof namedSchema>): Map<string, string> =>
  new Map(Object.entries(given ?? {}).map(([key, value]) => [key, value?.name ?? key]))

interface Call {
  program: string
  committed: CommittedFiles
  folder: string
  project: string
  signal: AbortSignal
}

async function render(
  { mask }: DockerContext,
  { program, committed: { root, files, envFiles, open }, folder, project, signal }: Call,
  filling: string
): Promise<z.infer<typeof projectSchema>> {
  const args = [
    ...['--project-name', project, '--project-directory', folder],
    ...envFiles.flatMap((path) => ['--env-file', join(root, path)]),
    ...files.flatMap((path) => ['--file', join(root, path)]),
    ...['--profile', '*', 'config', '--format', 'json']
  ]
  const result = await runProgram(program, args, {
    env: {},
    variables: {
      HOME: root,
      ...Object.fromEntries(open.map((name) => [name, filling])),
      DOCKER_CONFIG: root,
      COMPOSE_ANSI: 'never',
      ...onlyLocalFiles
    },
    cwd: folder,
    signal,
    limitMs
  })
  if (!result.ok)
    throw new NotExact(
      `Compose cannot read its files: ${quoted(quoteTail(mask, result.stderr.trim(), 300), 320) || result.problem}`
    )
  const { data } = projectSchema.safeParse(jsonOf(result.stdout))
  if (!data) throw new NotExact('Compose renders its files in a form that is not known')
  return data
}

function jsonOf(text: string): unknown {
  try {
    return parseOutsideJson(text)
  } catch {
    return null
  }
}

/** Whether a part of a service is told by the commit alone. */
export const isKnown = (at: ServiceAtCommit, key: keyof RenderedService): boolean =>
  isDeepStrictEqual(at.service[key], at.other[key])
