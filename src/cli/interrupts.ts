import type { Progress } from '../rollback/run/result.ts'
import { duration } from '../support/text.ts'

/** How soon after the second Ctrl-C a third one ends the process. */
const insistsWithinMs = 2000

/** What Ctrl-C works with. */
interface Hands {
  /** Stops at the next safe point. */
  cancel(): void
  say(text: string): void
  /** Ends the process now. */
  end(): void
  now(): Date
}

/** What Ctrl-C does, press by press; it is told what is in hand. */
export interface Interrupts {
  told(progress: Progress | null): void
  press(): void
}

/**
 * The first Ctrl-C stops at the next safe point, and says what that is. Once the switch has begun there is none before the end, so the
 * second one says how long that may take. Only a third within two seconds ends the process, and says what it leaves.
 */
export function interrupts({ cancel, say, end, now }: Hands): Interrupts {
  let inHand: Progress | null = null
  let presses = 0
  let lastAt = 0
  return {
    told(progress) {
      inHand = progress
    },
    press() {
      const at = now().getTime()
      const insists = presses > 1 && at - lastAt <= insistsWithinMs
      presses += 1
      lastAt = at
      if (presses === 1) cancel()
      if (!inHand) return presses > 1 ? end() : undefined
      if (!insists) return say(presses === 1 ? stopping(inHand) : waiting(inHand, at))
      say(ended(inHand))
      end()
    }
  }
}

const stopping = ({ title, target, switched }: Progress): string =>
  switched
    ? `Finishing the rollback, now "${title}"; stopping here could leave ${target} down.`
    : `Stopping after the step in hand, "${title}". What serves was not changed.`

const waiting = (inHand: Progress, at: number): string =>
  `${stopping(inHand)} It ends in ${duration(Math.max(0, inHand.endsBy.getTime() - at))} at the latest. Press Ctrl-C once more within two seconds to end it in the middle.`

const ended = ({ title, target, switched }: Progress): string =>
  [
    `Ended in the middle of "${title}".`,
    switched ? `${target} may be down, or rolled back in part.` : 'What serves was not changed.',
    `To finish or undo it: pop-deploy-rollback rollback --target ${target}`
  ].join(' ')
