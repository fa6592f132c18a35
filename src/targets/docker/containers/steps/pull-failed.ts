import { TargetError } from '../../../../support/errors.ts'
import { oneLine } from '../../../../support/text.ts'
import { stateOf } from '../../registry/lookup.ts'
import type { Refusal, Trouble } from '../../registry/refusal.ts'

/** Why an image did not come, from what the engine says: its own disk, or the registry's refusal as `explain` has it. */
export async function pullFailed(
  image: string,
  { why, status }: { why: string; status: number },
  explain: (state: Trouble) => Promise<Refusal>
): Promise<TargetError> {
  const what = `${image} cannot be pulled`
  const said = oneLine(why, 300)
  if (/no space left on device|disk quota exceeded/i.test(why))
    return new TargetError({
      what,
      why: `the disk of the engine is full: ${said}`,
      state: 'Nothing was stopped. The engine has dropped the layers that had come over; none of the image is there.',
      next: 'Make space where the engine keeps its data (docker system df, docker image prune), and assess again.',
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

const tryAgain = 'See whether the registry is reachable from the engine, and assess again.'
