import { setTimeout as wait } from 'node:timers/promises'

/** What clients met while they asked. */
export interface Met {
  asked: number
  /** Answered with something else than 200, or not at all. */
  failed: number
}

export interface Load {
  /** Forgets what was met so far. */
  begin(): void
  stop(): Promise<Met>
}

/** Several clients that ask all the time, each a little after its last answer. `ask` gives what a good answer says, else null. */
export function load(ask: () => Promise<string | null>, clients = 4, pauseMs = 10): Load {
  let met: Met = { asked: 0, failed: 0 }
  let asking = true
  const client = async (): Promise<void> => {
    while (asking) {
      const mine = met
      const answer = await ask()
      mine.asked++
      if (answer === null) mine.failed++
      await wait(pauseMs)
    }
  }
  const all = Promise.all(Array.from({ length: clients }, client))
  return {
    begin() {
      met = { asked: 0, failed: 0 }
    },
    async stop() {
      const result = met
      await wait(300)
      asking = false
      await all
      return result
    }
  }
}

/** Prints how many requests failed, in all rounds together: there is no ratio to none. */
export function printMet(figures: Map<string, Met[]>): void {
  console.log('\nRequests that failed meanwhile')
  for (const [name, rounds] of figures) {
    const [asked, failed] = (['asked', 'failed'] as const).map((key) => rounds.reduce((sum, met) => sum + met[key], 0))
    const worst = Math.max(...rounds.map((met) => met.failed))
    console.log(`  ${name.padEnd(44)} ${String(failed).padStart(7)} of ${asked}  (at most ${worst} in a round)`)
  }
}
