/** The signals that a combined one was made of. */
const sources = new WeakMap<AbortSignal, AbortSignal[]>()

/**
 * Aborts as soon as one of the signals does. Node holds the sources of a combined signal weakly, so that a timeout to which nothing
 * else refers is collected and never fires: this one keeps them.
 */
export function anySignal(...signals: AbortSignal[]): AbortSignal {
  const combined = AbortSignal.any(signals)
  sources.set(combined, signals)
  return combined
}

/** The same signal, aborted with a TimeoutError as well once `ms` have passed. */
export const withLimit = (signal: AbortSignal, ms: number): AbortSignal => anySignal(signal, AbortSignal.timeout(ms))
