/** The calls that are running. */
interface RunningCalls {
  during<T>(work: Promise<T>): Promise<T>
  /** Resolves once none is running. */
  idle(): Promise<void>
}

export function runningCalls(): RunningCalls {
  const running = new Set<Promise<unknown>>()
  return {
    async during(work) {
      running.add(work)
      try {
        return await work
      } finally {
        running.delete(work)
      }
    },
    async idle() {
      while (running.size > 0) await Promise.allSettled(running)
    }
  }
}
