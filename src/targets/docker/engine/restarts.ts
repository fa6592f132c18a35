import type { Clock } from '../../../support/clock.ts'
import { TargetError } from '../../../support/errors.ts'
import { type Engine, EngineError } from './engine.ts'

const restartTakesMs = 180_000
/** A socket of systemd keeps a connection until the next engine takes it. */
const slowAnswerMs = 2000

/**
 * Does `work`, and repeats it from the start when the engine was restarted in between.
 * What `work` does must be safe to repeat.
 */
export async function throughRestarts<T>(
  { engine, clock }: { engine: Engine; clock: Clock },
  run: { signal: AbortSignal; progress?(message: string): void },
  work: () => Promise<T>
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      run.signal.throwIfAborted()
      if (attempt === 3 || !(wentAway(error) || (await isGoingAway(engine, clock, error, run.signal)))) throw error
      run.progress?.('the engine does not answer; waiting')
      await untilBack(engine, clock, run.signal, error)
    }
  }
}

const wentAway = (error: unknown): boolean =>
  error instanceof TargetError && error.code === 'engine_unreachable' && error.retryable

/** An engine that shuts down takes no new connection; then it stops its containers and fails in odd ways before it falls silent. */
async function isGoingAway(engine: Engine, clock: Clock, error: unknown, signal: AbortSignal): Promise<boolean> {
  const odd = error instanceof EngineError ? error.status >= 500 : codeOf(error) === 'not_healthy'
  if (!odd) return false
  const looks = error instanceof EngineError && lostItsStores.test(error.said) ? 160 : 6
  for (let count = 0; count < looks; count++) {
    const begin = clock.now().getTime()
    if (!(await answers(engine, signal)) || clock.now().getTime() - begin > slowAnswerMs) return true
    await clock.sleep(250, signal)
  }
  return !(await answers(engine, signal))
}

/**
 * Said by engines that have closed what they need already. Over ssh, an old connection is asked, and is answered for as long as containers
 * get to stop (15 s, `--shutdown-timeout`) and containerd needs.
 */
const lostItsStores = /failed to update store|database not open|shutting down|transport is closing/i

const codeOf = (error: unknown): string | undefined => (error instanceof TargetError ? error.code : undefined)

const answers = (engine: Engine, signal: AbortSignal): Promise<boolean> =>
  engine.ping(signal).then(
    () => true,
    () => false
  )

async function untilBack(engine: Engine, clock: Clock, signal: AbortSignal, error: unknown): Promise<void> {
  const begin = clock.now().getTime()
  for (;;) {
    await clock.sleep(500, signal)
    if (await answers(engine, signal)) return
    signal.throwIfAborted()
    if (clock.now().getTime() - begin > restartTakesMs) throw error
  }
}
