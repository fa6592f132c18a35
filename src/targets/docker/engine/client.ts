import { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { z } from 'zod'
import type { TargetError } from '../../../support/errors.ts'
import { tryOutsideJson } from '../../../support/nesting.ts'
import { quoted } from '../../../support/text.ts'
import {
  containerSchema,
  containerSummarySchema,
  distributionSchema,
  imageSchema,
  imageSummarySchema,
  infoSchema,
  pathChangeSchema
} from '../objects/schemas.ts'
import { nodeSchema, serviceSchema, swarmConfigSchema, taskSchema } from '../objects/swarm-schemas.ts'
import { pathInContainer } from './copied-file.ts'
import { type Engine, EngineError, notUnderstood, orNull, unreachable } from './engine.ts'
import { type Call, type Modem, modemFor } from './modem.ts'
import type { Transport } from './transport.ts'

/** The newest API this program was written against; an older engine is spoken to in its own. */
const newestKnown = '1.48'

const versionSchema = z.looseObject({ ApiVersion: z.string().regex(/^\d+\.\d+$/) })
const changesSchema = z.array(pathChangeSchema).nullable()
const createdSchema = z.looseObject({ id: z.string().min(1) })

const mostOfLogs = 8 * 1024 * 1024
const mostOfSmallFile = 64 * 1024
/** For what starts, creates or removes containers: images are unpacked, processes are waited for. */
const longLimitMs = 120_000

/** dockerode takes a modem of the caller's, which its types do not say. */
type Options = Docker.DockerOptions & { modem: Modem }

/** A client over a transport, made of dockerode. Opens no connection before the first call. */
export function createEngine(transport: Transport): Engine {
  const { address, publishedHost, trusted } = transport

  const clientFor = async (apiVersion: string | null, call: Call): Promise<Docker> => {
    const { default: Client } = await import('dockerode')
    const options: Options = { modem: modemFor(transport, apiVersion, call) }
    return new Client(options)
  }

  /** dockerode does not negotiate the version: the engine is asked once. */
  const apiVersion = once((signal) => negotiate(signal))

  const notAnEngine = (said: string): TargetError =>
    unreachable(new Error(`no Docker engine answers there, but: ${quoted(said, 100)}`), address)

  const negotiate = async (signal: AbortSignal): Promise<string> => {
    const docker = await clientFor(null, { doing: 'tell its version', answer: 'bytes', signal })
    const said = await docker.version().then(String, (error: unknown) => {
      throw error instanceof EngineError ? notAnEngine(error.said) : error
    })
    const answer = versionSchema.safeParse(tryOutsideJson(said))
    if (!answer.success) throw notAnEngine(said)
    const theirs = answer.data.ApiVersion
    return compareVersions(theirs, newestKnown) < 0 ? theirs : newestKnown
  }

  type Verb = (docker: Docker) => Promise<unknown>
  type Settings = Pick<Call, 'limitMs' | 'headers' | 'maxBytes' | 'cut' | 'isNew'>

  const call = async (
    answer: Call['answer'],
    doing: string,
    signal: AbortSignal,
    verb: Verb,
    settings: Settings = {}
  ) => verb(await clientFor(await apiVersion(signal), { ...settings, doing, answer, signal }))

  const ask = async <T>(
    doing: string,
    schema: z.ZodType<T>,
    signal: AbortSignal,
    verb: Verb,
    settings?: Settings
  ): Promise<T> => {
    const answer = schema.safeParse(await call('json', doing, signal, verb, settings))
    if (answer.success) return answer.data
    throw notUnderstood(doing, z.prettifyError(answer.error), address)
  }

  const act = async (doing: string, signal: AbortSignal, verb: Verb, settings?: Settings): Promise<void> => {
    await call('nothing', doing, signal, verb, settings)
  }

  const bytes = async (doing: string, signal: AbortSignal, verb: Verb, settings: Settings): Promise<Buffer> =>
    z.instanceof(Buffer).parse(await call('bytes', doing, signal, verb, settings))

  const stream = async (doing: string, signal: AbortSignal, verb: Verb, settings?: Settings): Promise<Readable> =>
    z.instanceof(Readable).parse(await call('stream', doing, signal, verb, settings))

  const info = (signal: AbortSignal) => ask('describe itself', infoSchema, signal, (docker) => docker.info())

  const logOptions = (tail: number) => ({ stdout: true, stderr: true, tail, timestamps: true }) as const

  return {
    address,
    publishedHost,
    trusted,
    apiVersion,
    ping: (signal, limitMs = 5000) => act('answer', signal, (docker) => docker.ping(), { limitMs, isNew: true }),
    info,
    facts: once(info),
    events: ({ container, events, between }, signal) =>
      stream('tell events', signal, (docker) =>
        docker.getEvents({
          ...between,
          ...(container && {
            filters: { container: [container], type: ['container'], ...(events && { event: events }) }
          })
        })
      ),

    containers: {
      list: (signal) =>
        ask('list containers', z.array(containerSummarySchema), signal, (docker) =>
          docker.listContainers({ all: true })
        ),
      inspect: (id, signal) =>
        orNull(
          ask(`inspect the container ${id}`, containerSchema, signal, (docker) => containerOf(docker, id).inspect())
        ),
      create: async (name, body, signal) =>
        (
          await ask(
            `create the container ${name}`,
            createdSchema,
            signal,
            (docker) => docker.createContainer(queryAndBody({ name }, body)),
            { limitMs: longLimitMs }
          )
        ).id,
      start: (id, signal) =>
        act(`start the container ${shown(id)}`, signal, (docker) => containerOf(docker, id).start(), {
          limitMs: longLimitMs
        }),
      stop: (id, { seconds, graceSeconds }, signal) =>
        act(
          `stop the container ${shown(id)}`,
          signal,
          (docker) => containerOf(docker, id).stop(seconds === null ? {} : { t: seconds }),
          { limitMs: (graceSeconds + 60) * 1000 }
        ),
      rename: (id, name, signal) =>
        act(`rename the container ${shown(id)} to ${name}`, signal, (docker) =>
          containerOf(docker, id).rename({ name })
        ),
      setRestartPolicy: (id, policy, signal) =>
        act(`change the restart policy of the container ${shown(id)}`, signal, (docker) =>
          containerOf(docker, id).update({ RestartPolicy: policy })
        ),
      remove: (id, { ownVolumes, force }, signal) =>
        act(
          `remove the container ${shown(id)}`,
          signal,
          (docker) => containerOf(docker, id).remove({ v: ownVolumes, force }),
          { limitMs: longLimitMs }
        ),
      waitUntilStopped: (id, limitMs, signal) =>
        act(
          `wait for the end of the container ${shown(id)}`,
          signal,
          (docker) => containerOf(docker, id).wait({ condition: 'not-running' }),
          { limitMs }
        ),
      changes: async (id, signal) => {
        const doing = `compare the container ${shown(id)} with its image`
        const said = await bytes(doing, signal, (docker) => containerOf(docker, id).changes(), { limitMs: longLimitMs })
        const changes = changesSchema.safeParse(tryOutsideJson(said.toString('utf8')))
        if (!changes.success) throw notUnderstood(doing, z.prettifyError(changes.error), address)
        return changes.data ?? []
      },
      commit: (id, repo, signal) =>
        act(
          `make an image of the container ${shown(id)}`,
          signal,
          (docker) => containerOf(docker, id).commit({ repo, pause: false }),
          { limitMs: 10 * longLimitMs }
        ),
      waitUntilRemoved: (id, signal) =>
        act(`wait for the removal of the container ${shown(id)}`, signal, (docker) =>
          containerOf(docker, id).wait({ condition: 'removed' })
        ),
      logs: (id, tail, signal) =>
        bytes(
          `read the log of the container ${shown(id)}`,
          signal,
          (docker) => containerOf(docker, id).logs(logOptions(tail)),
          { maxBytes: mostOfLogs, cut: true }
        ),
      readArchive: (id, path, signal) =>
        bytes(
          `read ${path} in the container ${shown(id)}`,
          signal,
          (docker) => containerOf(docker, id).getArchive({ path }),
          { maxBytes: mostOfSmallFile }
        ),
      readPath: async (id, path, signal) => {
        const doing = `read ${path} in the container ${shown(id)}`
        const answer = await stream(doing, signal, (docker) => containerOf(docker, id).getArchive({ path }))
        return pathInContainer(answer)
      },
      writeArchive: (id, path, archive, signal) =>
        act(`write into the container ${shown(id)}`, signal, (docker) =>
          containerOf(docker, id).putArchive(archive, { path })
        )
    },

    images: {
      list: (signal) =>
        whileImagesVanish(() =>
          ask('list images', z.array(imageSummarySchema), signal, (docker) => docker.listImages({ digests: true }))
        ),
      inspect: (reference, signal) =>
        orNull(
          ask(`inspect the image ${reference}`, imageSchema, signal, (docker) => docker.getImage(reference).inspect())
        ),
      tag: (id, repo, tag, signal) =>
        act(`tag the image as ${repo}:${tag}`, signal, (docker) => docker.getImage(id).tag({ repo, tag })),
      pull: (reference, headers, signal) =>
        stream(`pull ${reference}`, signal, (docker) => docker.createImage({ fromImage: reference }), {
          headers,
          limitMs: longLimitMs
        }),
      distribution: (reference, headers, signal) =>
        ask(
          `look up ${reference} in its registry`,
          distributionSchema,
          signal,
          (docker) => docker.getImage(reference).distribution(),
          { headers, limitMs: 20_000 }
        )
    },

    networks: {
      connect: (network, container, endpoint, signal) =>
        act(`connect ${shown(container)} to the network ${network}`, signal, (docker) =>
          docker
            .getNetwork(encodeURIComponent(network))
            .connect({ Container: container, ...(endpoint && { EndpointConfig: endpoint }) })
        ),
      disconnect: (network, container, signal) =>
        act(`disconnect ${shown(container)} from the network ${network}`, signal, (docker) =>
          docker.getNetwork(encodeURIComponent(network)).disconnect({ Container: container })
        )
    },

    services: {
      list: (signal) => ask('list services', z.array(serviceSchema), signal, (docker) => docker.listServices()),
      inspect: (id, signal) =>
        orNull(
          ask(`inspect the service ${id}`, serviceSchema, signal, (docker) =>
            docker.getService(encodeURIComponent(id)).inspect()
          ),
          503
        ),
      update: ({ ID, Version, Spec }, to, headers, signal) =>
        act(
          `update the service ${Spec.Name}`,
          signal,
          (docker) =>
            docker
              .getService(ID)
              .update(
                to === 'previous'
                  ? queryAndBody(
                      { version: Version.Index, rollback: 'previous', registryAuthFrom: 'previous-spec' },
                      Spec
                    )
                  : queryAndBody({ version: Version.Index }, to)
              ),
          { headers }
        ),
      logs: (id, tail, signal) =>
        bytes(`read the log of the service`, signal, (docker) => docker.getService(id).logs(logOptions(tail)), {
          maxBytes: mostOfLogs,
          cut: true
        })
    },

    tasks: {
      list: (filters, signal) =>
        ask('list tasks', z.array(taskSchema), signal, (docker) => docker.listTasks({ filters }))
    },
    nodes: { list: (signal) => ask('list nodes', z.array(nodeSchema), signal, (docker) => docker.listNodes()) },
    configs: {
      create: async (spec, signal) =>
        (
          await ask(`create the config ${spec.Name}`, createdSchema, signal, (docker) =>
            docker.createConfig(queryAndBody({}, spec))
          )
        ).id,
      inspect: (id, signal) =>
        orNull(
          ask(`inspect the config ${id}`, swarmConfigSchema, signal, (docker) => docker.getConfig(id).inspect()),
          503
        ),
      update: ({ ID, Version }, spec, signal) =>
        act(`update the config ${spec.Name}`, signal, (docker) =>
          docker.getConfig(ID).update(queryAndBody({ version: Version.Index }, spec))
        ),
      remove: (id, signal) => act('remove a config', signal, (docker) => docker.getConfig(id).remove())
    },

    close: () => transport.close()
  }
}

/** Asks once; again where that failed. */
function once<T>(ask: (signal: AbortSignal) => Promise<T>): (signal: AbortSignal) => Promise<T> {
  let answer: Promise<T> | undefined
  return (signal) => {
    answer ??= ask(signal).catch((error: unknown) => {
      answer = undefined
      throw error
    })
    return answer
  }
}

/** While somebody removes images, the image store of containerd cannot list them: "content digest sha256:… not found". */
async function whileImagesVanish<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask()
    } catch (error) {
      if (attempt === 4 || !(error instanceof EngineError && /content digest [\w:]{1,200} not found/i.test(error.said)))
        throw error
    }
  }
}

/** Kept apart: dockerode would put all of a body into the query, too. Its types do not say that it may be done. */
const queryAndBody = (_query: object, _body: object): object => ({ _query, _body })

const containerOf = (docker: Docker, id: string): Docker.Container => docker.getContainer(encodeURIComponent(id))

const shown = (id: string): string => (/^[a-f0-9]{64}$/.test(id) ? id.slice(0, 12) : id)

function compareVersions(a: string, b: string): number {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number)
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number)
  return aMajor - bMajor || aMinor - bMinor
}
