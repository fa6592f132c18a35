import { TargetError } from '../../../../support/errors.ts'
import { duration, quoted } from '../../../../support/text.ts'
import type { DockerContext } from '../../context.ts'
import type { Container } from '../../objects/schemas.ts'
import type { Patience } from './await-healthy.ts'

const lookEveryMs = 100
/** A migration takes longer than a start. */
const leastTimeMs = 15 * 60_000

/**
 * Waits until a job has ended with exit code 0. @returns milliseconds waited.
 * @throws TargetError `job_failed`, which says nothing against the release: the job may fail for the data that it finds.
 */
export async function awaitEnd(
  { clock, config, engine }: DockerContext,
  { Id: id, Name: name }: Container,
  { timeoutMs }: Patience,
  run: { signal: AbortSignal; progress(message: string): void }
): Promise<number> {
  const limitMs = config.health_timeout_seconds ? timeoutMs : Math.max(timeoutMs, leastTimeMs)
  const begin = clock.now().getTime()
  run.progress('a job: waiting until it ends')
  for (;;) {
    const state = (await engine.containers.inspect(id, run.signal))?.State
    const waited = clock.now().getTime() - begin
    if (!state) throw jobFailed(name, 'it was removed', waited)
    if (state.Status === 'exited' && state.ExitCode === 0) return waited
    if (state.Status === 'exited' || state.Status === 'dead')
      throw jobFailed(
        name,
        `it ended with exit code ${state.ExitCode}${state.Error ? `: ${quoted(state.Error)}` : ''}`,
        waited
      )
    if (waited > limitMs) throw jobFailed(name, 'it has not ended', waited)
    await clock.sleep(lookEveryMs, run.signal)
  }
}

const jobFailed = (name: string, why: string, ms: number): TargetError =>
  new TargetError({
    what: `The job ${name} failed`,
    why: `${why}, after ${duration(ms)}`,
    state: 'The old containers are kept. What the job changed stays.',
    next: `Read the log: docker logs ${name}. To roll back without the job, name only the other services in \`services\`.`,
    code: 'job_failed'
  })
