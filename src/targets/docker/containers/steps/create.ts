import { TargetError } from '../../../../support/errors.ts'
import type { StepResult } from '../../../target.ts'
import { mustReadConfiguration } from '../../configuration/read.ts'
import { sourceName, whereItIsWritten } from '../../configuration/reference.ts'
import type { DockerContext } from '../../context.ts'
import { isStatus } from '../../engine/engine.ts'
import { shortId } from '../../objects/reference.ts'
import type { Container, Image } from '../../objects/schemas.ts'
import { answersBefore } from '../check/answers-before.ts'
import { copyInto } from '../recreate/copied-in.ts'
import { differences, mountDifferences } from '../recreate/differences.ts'
import { type CreateRequest, createBody, createRequest } from '../recreate/request.ts'
import { gone, remove } from './actions.ts'
import { ids, listed, names, type Replacement, temporaryOf } from './member.ts'
import { findNew, findOld, forEachReplacement, hasStarted } from './replacement.ts'

/** Creates the replacement, joins its networks, and holds it against what was asked for; nothing is stopped. */
export const create = forEachReplacement({
  kind: 'create_container',
  phase: 'prepare',
  describe: (members, version) => ({
    id: `create:${ids(members)}`,
    title: `Creating ${names(members)} from ${version}${configurationOf(members)}, not started`,
    undo: `remove ${listed(members.map(temporaryOf))}`,
    manualCommands: members.flatMap((member) => [
      `docker inspect ${member.container.slice(0, 12)}`,
      `docker create --name ${temporaryOf(member)} (its options) ${member.image}`
    ]),
    manualUndoCommands: members.map((member) => `docker rm -f ${temporaryOf(member)}`)
  }),
  async apply(docker, params, run): Promise<StepResult> {
    const image = await docker.engine.images.inspect(params.image, run.signal)
    if (!image) throw imageGone(params.image)
    const { configuration } = params
    const remains = configuration && { remains: [whereItIsWritten(params.name, configuration)] }
    const there = await findNew(docker, params, run.signal)
    if (there && there.Image === image.Id && hasStarted(there))
      return { detail: 'already created and started', ...remains }
    const old = await findOld(docker, params, run.signal)
    if (!old) throw gone('The replacement cannot be created', params.name)
    const oldImage = await docker.engine.images.inspect(old.Image, run.signal)
    const earlier = configuration && (await mustReadConfiguration(docker, configuration, old, run.signal))
    const request = createRequest(old, oldImage?.Config, {
      goal: earlier?.goal ?? null,
      standby: params.beside,
      replaced: params.replaced,
      before: await answersBefore(docker, old, there, run.signal),
      image: image.Id,
      restartPolicy: params.restart_policy
    })
    if (there) {
      if ((await faults(docker, old, there, request, image, run.signal)).length === 0)
        return { detail: 'already created', ...remains }
      await remove(docker, there, { ownVolumes: true, force: true }, run.signal)
    }
    const name = await nameFor(docker, params.shown, image, params.image, run.signal)
    const id = await createWith(docker, temporaryOf(params), createBody(request, name), run.signal)
    try {
      for (const [network, endpoint] of Object.entries(request.others))
        await docker.engine.networks.connect(network, id, endpoint, run.signal)
      await copyInto(docker, id, old, run.signal)
      const created = await docker.engine.containers.inspect(id, run.signal)
      if (!created) throw gone('The replacement disappeared after it was created', temporaryOf(params))
      const wrong = await faults(docker, old, created, request, image, run.signal)
      if (wrong.length > 0) throw unfaithful(params.name, wrong)
      return {
        detail: `${shortId(id)} as ${temporaryOf(params)}`,
        ...remains
      }
    } catch (error) {
      const removal = AbortSignal.timeout(120_000)
      await docker.engine.containers.remove(id, { ownVolumes: true, force: true }, removal).catch(() => undefined)
      throw error
    }
  },

  async revert(docker, params, run): Promise<StepResult> {
    const there = await docker.engine.containers.inspect(temporaryOf(params), run.signal)
    if (!there || there.Id === params.container) return { detail: 'nothing to remove' }
    await remove(docker, there, { ownVolumes: true, force: true }, run.signal)
    return { detail: `removed ${there.Name}` }
  }
})

/** " with the configuration of commit 2f204d2". */
function configurationOf(members: readonly Replacement[]): string {
  const sources = new Set(members.flatMap(({ configuration }) => (configuration ? [sourceName(configuration)] : [])))
  return sources.size > 0 ? ` with the configuration of ${[...sources].join(', ')}` : ''
}

async function faults(
  docker: DockerContext,
  old: Container,
  created: Container,
  request: CreateRequest,
  image: Image,
  signal: AbortSignal
): Promise<string[]> {
  const wrong = [
    ...differences(created, request, { id: image.Id, defaults: image.Config }),
    ...mountDifferences(old, created)
  ]
  signal.throwIfAborted()
  docker.log('debug', `replacement of ${old.Name}: ${wrong.length === 0 ? 'as asked for' : wrong.join(', ')}`)
  return wrong
}

/** The tag, so that people read a version in `docker ps`; the exact reference where the tag now means another image. */
async function nameFor(
  docker: DockerContext,
  shown: string | null,
  image: Image,
  exact: string,
  signal: AbortSignal
): Promise<string> {
  if (!shown) return exact
  const tagged = await docker.engine.images.inspect(shown, signal)
  if (tagged) return tagged.Id === image.Id ? shown : exact
  const colon = shown.lastIndexOf(':')
  await docker.engine.images.tag(image.Id, shown.slice(0, colon), shown.slice(colon + 1), signal)
  return shown
}

/** A container of this name is what a call that died left behind. */
async function createWith(
  docker: DockerContext,
  name: string,
  body: Record<string, unknown>,
  signal: AbortSignal
): Promise<string> {
  const attempt = (): Promise<string> => docker.engine.containers.create(name, body, signal)
  try {
    return await attempt()
  } catch (error) {
    if (!isStatus(error, 409)) throw error
    const inTheWay = await docker.engine.containers.inspect(name, signal)
    if (inTheWay) await remove(docker, inTheWay, { ownVolumes: true, force: true }, signal)
    return attempt()
  }
}

const imageGone = (image: string): TargetError =>
  new TargetError({
    what: 'The replacement cannot be created',
    why: `the image ${image} is not on the engine`,
    next: 'Assess again.',
    code: 'image_gone'
  })

const unfaithful = (name: string, wrong: string[]): TargetError =>
  new TargetError({
    what: `The replacement of ${name} would differ from it`,
    why: `the engine changed: ${wrong.slice(0, 12).join(', ')}`,
    state: 'The replacement was removed. Nothing was stopped.',
    next: `Compare docker inspect ${name} with what the engine supports, and create it manually from the earlier image.`,
    code: 'unfaithful'
  })
