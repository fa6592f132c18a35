import { check } from 'recheck'

/** Fuzzing decides only what automata cannot, such as lookarounds; these sizes keep a run short. */
const limits = {
  timeout: 20_000,
  // counted steps and not time decide, so that a busy machine finds the same
  incubationTimeout: null,
  attackTimeout: null,
  attackLimit: 20_000_000,
  maxInitialGenerationSize: 60,
  maxGenerationSize: 30,
  mutationSize: 15,
  crossoverSize: 8,
  maxIteration: 3
}

/** Why an expression may take more than linear time on a long text; nothing when it does not. */
export async function backtracking({ source, flags }: { source: string; flags: string }): Promise<string | undefined> {
  const result = await check(withShortRuns(source), flags, limits)
  if (result.status === 'safe') return undefined
  if (result.status === 'unknown') return `not known to be linear (${result.error.kind})`
  return `${result.complexity.summary} on ${result.attack.pattern}`
}

/** A bounded run multiplies the time by a constant, whatever its bound; a small one is quick to check. */
const withShortRuns = (source: string): string =>
  source.replace(/(?<!\\|\\u)\{(\d{1,9})(?:(,)(\d{0,9}))?\}/g, (_, least: string, comma = '', most = '') => {
    const short = (count: string): string => count && String(Math.min(Number(count), 3))
    return `{${short(least)}${comma}${short(most)}}`
  })
