import { TargetError } from '../../../../support/errors.ts'
import { duration } from '../../../../support/text.ts'
import type { StepResult } from '../../../target.ts'
import { towards } from '../../configuration/goal.ts'
import { mustReadConfiguration } from '../../configuration/read.ts'
import type { DockerContext } from '../../context.ts'
import { rehearsalLabel } from '../../objects/names.ts'
import type { Container } from '../../objects/schemas.ts'
import { ownNamesAsked } from '../plan/own-names.ts'
import { proxyVariable } from '../plan/side-by-side.ts'
import { mergedConfig, userConfigOf } from '../recreate/configuration.ts'
import { bindDestination, hostConfigFor, placeOf } from '../recreate/host.ts'
import { endpointsFor } from '../recreate/networks.ts'
import { gone, remove } from './actions.ts'
import { awaitHealth, withoutProbe } from './await-health.ts'
import { ids, listed, type Replacement, rehearsalOf } from './member.ts'
import { findNew, findOld, forEachReplacement, hasStarted } from './replacement.ts'

/** Starts the candidate in isolation, requires it to become healthy, and removes it. */
export const rehearse = forEachReplacement({
  kind: 'rehearse',
  phase: 'prepare',
  describe: (members, version) => ({
    id: `rehearse:${ids(members)}`,
    title: `Rehearsing ${version} without ports, aliases and writable mounts`,
    undo: `remove ${listed(members.map(rehearsalOf))}`,
    manualUndoCommands: members.map((member) => `docker rm -f -v ${rehearsalOf(member)}`)
  }),
  async apply(docker, params, run): Promise<StepResult> {
    const replacement = await findNew(docker, params, run.signal)
    if (replacement && hasStarted(replacement)) return { detail: 'skipped: its replacement was already started' }
    const old = await findOld(docker, params, run.signal)
    if (!old) throw gone('The rehearsal cannot start', params.name)
    await clear(docker, params, run.signal)
    const actor = await create(docker, old, params, run.signal)
    try {
      await docker.engine.containers.start(actor.Id, run.signal)
      const ms = await awaitHealth(withoutProbe(docker), actor, run)
      return { detail: `healthy after ${duration(ms)}, then removed` }
    } finally {
      await clear(docker, params, AbortSignal.timeout(60_000))
    }
  },

  async revert(docker, params, run): Promise<StepResult> {
    await clear(docker, params, run.signal)
    return { detail: 'removed' }
  }
})

async function create(
  docker: DockerContext,
  old: Container,
  params: Replacement,
  signal: AbortSignal
): Promise<Container> {
  const { engine } = docker
  const image = await engine.images.inspect(params.image, signal)
  if (!image) throw gone('The rehearsal cannot start', params.image)
  const oldImage = await engine.images.inspect(old.Image, signal)
  const networks = Object.keys(endpointsFor(old))
  const earlier = params.configuration && (await mustReadConfiguration(docker, params.configuration, old, signal))
  const user = towards(userConfigOf(old, oldImage?.Config), earlier?.goal ?? null)
  const own = ownNamesAsked(old, mergedConfig(user, image.Config).Healthcheck)
  const body = rehearsalBody(old, user, image.Id, own)
  const id = await engine.containers.create(rehearsalOf(params), body, signal)
  for (const network of networks.filter((name) => name !== old.HostConfig.NetworkMode && name !== 'bridge'))
    await engine.networks.connect(network, id, null, signal)
  const created = await engine.containers.inspect(id, signal)
  if (!created) throw gone('The rehearsal cannot start', rehearsalOf(params))
  return created
}

/** Without labels and variables that proxies and Compose read, without ports and addresses, and without anything that both could write to. */
function rehearsalBody(
  old: Container,
  config: ReturnType<typeof userConfigOf>,
  image: string,
  /** Names of the service that its health check asks: they lead to the container that serves, so they are given to this one. */
  ownNames: readonly string[]
): Record<string, unknown> {
  const { Labels: _labels, MacAddress: _mac, ...rest } = config
  const host = hostConfigFor(old)
  const readOnly = new Set(
    (old.Mounts ?? []).filter(({ RW }) => RW === false).map(({ Destination }) => placeOf(Destination))
  )
  return {
    ...rest,
    Env: (config.Env ?? []).filter((entry) => !proxyVariable.test(entry)),
    Image: image,
    Labels: { [rehearsalLabel]: old.Id },
    HostConfig: {
      ...host,
      Binds: (host.Binds ?? []).filter((bind) => readOnly.has(bindDestination(bind))),
      Mounts: (host.Mounts ?? []).filter(({ Target, Type }) => readOnly.has(placeOf(Target)) || Type === 'tmpfs'),
      VolumesFrom: null,
      PortBindings: {},
      PublishAllPorts: false,
      Links: null,
      ...(ownNames.length > 0 && {
        ExtraHosts: [...(host.ExtraHosts ?? []), ...ownNames.map((name) => `${name}:127.0.0.1`)]
      }),
      RestartPolicy: { Name: 'no' }
    }
  }
}

async function clear(docker: DockerContext, params: Replacement, signal: AbortSignal): Promise<void> {
  const actor = await docker.engine.containers.inspect(rehearsalOf(params), signal)
  if (!actor) return
  if (actor.Config.Labels?.[rehearsalLabel] === undefined)
    throw new TargetError({
      what: 'The rehearsal cannot start',
      why: `a container named ${rehearsalOf(params)} exists, and this program did not create it`,
      next: `Rename or remove ${rehearsalOf(params)}.`,
      code: 'name_taken'
    })
  await remove(docker, actor, { ownVolumes: true, force: true }, signal)
}
