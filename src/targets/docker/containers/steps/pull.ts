import { z } from 'zod'
import { TargetError } from '../../../../support/errors.ts'
import { parseOutsideJson } from '../../../../support/nesting.ts'
import { oneLine, quoted } from '../../../../support/text.ts'
import { defineStep } from '../../../define-step.ts'
import type { Run, StepResult } from '../../../target.ts'
import type { DockerContext } from '../../context.ts'
import { EngineError } from '../../engine/engine.ts'
import { linesOf } from '../../engine/lines.ts'
import { throughRestarts } from '../../engine/restarts.ts'
import { parseReference, splitRepository } from '../../objects/reference.ts'
import { loginFor, registryAuth } from '../../registry/credentials.ts'
import { stateOf } from '../../registry/lookup.ts'
import { type Refusal, refusalOf, type Trouble } from '../../registry/refusal.ts'
import type { ContainersState } from '../observe/observe.ts'
import { isImageOf } from '../observe/releases.ts'

const lineSchema = z.looseObject({
  id: z.string().optional(),
  status: z.string().optional(),
  error: z.string().optional(),
  progressDetail: z.looseObject({ current: z.number().optional(), total: z.number().optional() }).nullish()
})

/** Pulls the image by its digest; the engine downloads only the layers that it does not have. */
export const pullImage = defineStep<DockerContext, ContainersState>()({
  kind: 'pull_image',
  phase: 'prepare',
  params: z.object({ image: z.string().min(1) }),
  describe: (_docker, { image }, { to }) => ({
    id: 'pull',
    title: `Pulling the image of ${to.version}`,
    undo: null,
    manualCommands: [`docker pull ${image}`]
  }),
  mismatch: async (docker, { image }, { to, state, signal }) =>
    (await isImageOf(docker, image, to, state.repository, signal))
      ? null
      : `${image} is not the image of ${to.version}`,
  apply: (docker, { image }, run) => throughRestarts(docker, run, () => pull(docker, image, run))
})

async function pull(docker: DockerContext, image: string, run: Run): Promise<StepResult> {
  if (await docker.engine.images.inspect(image, run.signal)) return { detail: 'already there' }
  const repository = parseReference(image)?.repository ?? image
  const login = await loginFor(splitRepository(repository).registry, docker, run.signal)
  const failed = (why: string, status = 0): Promise<TargetError> =>
    pullFailed(image, { why, status }, (state) =>
      refusalOf(docker, login, { reference: image, state, reason: why }, run.signal)
    )
  const stream = await docker.engine.images
    .pull(image, registryAuth(docker.engine, login, run.accepted), run.signal)
    .catch(async (error: unknown) => {
      throw error instanceof EngineError ? await failed(quoted(error.said, 300), error.status) : error
    })
  const layers = new Map<string, Layer>()
  let told = 0
  for await (const line of linesOf(stream, docker.engine.address)) {
    const { id, status, error, progressDetail } = lineSchema.parse(parseOutsideJson(line || '{}'))
    if (error) throw await failed(quoted(error, 300))
    if (!id || status !== 'Downloading') continue
    layers.set(id, { current: progressDetail?.current ?? 0, total: progressDetail?.total ?? 0 })
    const now = docker.clock.now().getTime()
    if (now - told < 250) continue
    told = now
    run.progress(inBytes([...layers.values()]))
  }
  if (!(await docker.engine.images.inspect(image, run.signal)))
    throw await failed('the engine ended the pull, and the image is still missing')
  const total = [...layers.values()].reduce((sum, layer) => sum + layer.total, 0)
  return { detail: total > 0 ? `${megabytes(total)} pulled` : 'pulled' }
}

interface Layer {
  current: number
  total: number
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

const inBytes = (layers: readonly Layer[]): string => {
  const sum = (key: keyof Layer): number => layers.reduce((total, layer) => total + layer[key], 0)
  return `${(sum('current') / 1e6).toFixed(1)} of ${megabytes(sum('total'))}`
}

/** Why an image did not come, from what the engine says: its own disk, or the registry's refusal as `explain` has it. */
async function pullFailed(
  image: string,
  { why, status }: { why: string; status: number },
  explain: (state: Trouble) => Promise<Refusal>
): Promise<TargetError> {
  const what = `${image} cannot be pulled`
  const said = oneLine(why, 302)
  if (/no space left on device|disk quota exceeded/i.test(why))
    return new TargetError({
      what,
      why: `the disk of the engine is full: ${said}`,
      state: 'Nothing was stopped. The engine discarded the layers that it had downloaded.',
      next: 'Free space where the engine keeps its data (docker system df, docker image prune), then assess again.',
      code: 'disk_full'
    })
  const state = stateOf({ status, why })
  const refusal = state === 'unreachable' ? { why: said, next: tryAgain } : await explain(state)
  return new TargetError({
    what,
    why: refusal.why,
    state: 'Nothing was stopped.',
    next: refusal.next,
    code: state === 'unreachable' ? 'pull_failed' : `image_${state}`,
    retryable: state === 'unreachable' || state === 'rate_limited'
  })
}

const tryAgain = 'Check that the engine can reach the registry, then assess again.'
