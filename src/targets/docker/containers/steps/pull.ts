import { z } from 'zod'
import type { Step } from '../../../../model/step.ts'
import type { TargetError } from '../../../../support/errors.ts'
import type { Run, StepResult } from '../../../target.ts'
import type { DockerContext } from '../../context.ts'
import { EngineError } from '../../engine/engine.ts'
import { linesOf } from '../../engine/lines.ts'
import { parseReference, splitRepository } from '../../objects/reference.ts'
import { loginFor, registryAuth } from '../../registry/credentials.ts'
import { refusalOf } from '../../registry/refusal.ts'
import { pullFailed } from './pull-failed.ts'

const lineSchema = z.looseObject({
  id: z.string().optional(),
  status: z.string().optional(),
  error: z.string().optional(),
  progressDetail: z.looseObject({ current: z.number().optional(), total: z.number().optional() }).nullish()
})

const paramsSchema = z.looseObject({ image: z.string().min(1) })

/** Pulls the image by its digest; only the layers that are missing come over the line. */
export async function applyPull(docker: DockerContext, step: Step, run: Run): Promise<StepResult> {
  const { image } = paramsSchema.parse(step.params)
  if (await docker.engine.images.inspect(image, run.signal)) return { detail: 'already there' }
  const repository = parseReference(image)?.repository ?? image
  const login = await loginFor(splitRepository(repository).registry, docker, run.signal)
  const failed = (why: string, status = 0): Promise<TargetError> =>
    pullFailed(image, { why, status }, (state) =>
      refusalOf(docker, login, { reference: image, state, reason: why }, run.signal)
    )
  const stream = await docker.engine.images
    .pull(image, registryAuth(login), run.signal)
    .catch(async (error: unknown) => {
      throw error instanceof EngineError ? await failed(error.why, error.status) : error
    })
  const layers = new Map<string, Layer>()
  let told = 0
  for await (const line of linesOf(stream, docker.engine.address)) {
    const { id, status, error, progressDetail } = lineSchema.parse(JSON.parse(line || '{}'))
    if (error) throw await failed(error)
    if (!id || status !== 'Downloading') continue
    layers.set(id, { current: progressDetail?.current ?? 0, total: progressDetail?.total ?? 0 })
    const now = docker.clock.now().getTime()
    if (now - told < 250) continue
    told = now
    run.progress(inBytes([...layers.values()]))
  }
  if (!(await docker.engine.images.inspect(image, run.signal)))
    throw await failed('the engine ended the pull without the image')
  const total = [...layers.values()].reduce((sum, layer) => sum + layer.total, 0)
  return { detail: total > 0 ? `${megabytes(total)} pulled` : 'pulled; hardly anything was missing' }
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
