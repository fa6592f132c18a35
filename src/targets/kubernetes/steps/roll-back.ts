import type { Step } from '../../../model/step.ts'
import type { Run, StepResult } from '../../target.ts'
import { rolloutOf } from '../health.ts'
import { addressText, shortText } from '../names.ts'
import { inParallel } from '../parallel.ts'
import { paramsOf } from '../params.ts'
import { readWorkload } from '../workload.ts'
import type { Workshop } from '../workshop.ts'
import { followRollout } from './follow.ts'
import { putTemplate } from './put-back.ts'

/** Puts the candidate's template back into every workload of the step at once, and waits until each is complete. */
export async function applyRollBack(workshop: Workshop, step: Step, run: Run): Promise<StepResult> {
  const { moves } = paramsOf('roll_back', step, workshop)
  const done = await inParallel(moves, moves.length, async (move) => {
    const put = await putTemplate(workshop, move, 'back', run)
    if (move.follow) await followRollout(workshop, move, run, moves.length)
    return put
  })
  const put = done.filter(Boolean).length
  return { detail: put === 0 ? 'already there' : moves.length === 1 ? 'rolled out' : `${put} workloads rolled out` }
}

const settleMs = 20_000

/** Puts the former templates back; what was there may not have been healthy, so it is not waited for long. */
export async function revertRollBack(workshop: Workshop, step: Step, run: Run): Promise<StepResult> {
  const { moves } = paramsOf('roll_back', step, workshop)
  const put = await inParallel(moves, moves.length, async (move) => {
    const done = await putTemplate(workshop, move, 'forth', run)
    if (done) {
      run.progress(`${shortText(move)}: the former template is back`)
      await settled(workshop, move, run)
    }
    return done ? [addressText(move)] : []
  })
  return { detail: put.flat().length === 0 ? 'the former template was there' : 'the former template is back' }
}

type Move = ReturnType<typeof paramsOf<'roll_back'>>['moves'][number]

async function settled(workshop: Workshop, move: Move, { signal }: Run): Promise<void> {
  const until = workshop.clock.now().getTime() + settleMs
  while (workshop.clock.now().getTime() < until) {
    if (rolloutOf(await readWorkload(workshop, move, signal)).complete) return
    await workshop.clock.sleep(500, signal)
  }
}
