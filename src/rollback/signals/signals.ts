import type { Release } from '../../model/release.ts'
import type { SignalCourse } from '../../model/signal.ts'

/** What the engine does with signals beyond observations and checks. */
export interface Signals {
  /** How long an unknown signal may take after a switch to show what serves now, in milliseconds. */
  patienceMs: number
  /**
   * How the signals went between two times, for the report; what cannot be read is left out.
   * @param release the version that the signals are compared with.
   */
  courses(release: Release, span: { from: Date; until: Date }, signal: AbortSignal): Promise<SignalCourse[]>
}
