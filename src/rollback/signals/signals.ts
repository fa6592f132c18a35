import type { Check } from '../../model/check.ts'
import type { Release } from '../../model/release.ts'
import type { SignalCourse } from '../../model/signal.ts'

/** What the engine does with signals beyond observations and checks. */
export interface Signals {
  /**
   * How the signals went between two times, for the report; what cannot be read is left out.
   * @param release the version that the signals are compared with.
   */
  courses(release: Release, span: { from: Date; until: Date }, signal: AbortSignal): Promise<SignalCourse[]>
}

const prefix = 'signal:'

export const signalCheckId = (name: string): string => `${prefix}${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`

export const isOfSignal = ({ id }: Pick<Check, 'id'>): boolean => id.startsWith(prefix)
