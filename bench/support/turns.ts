/** One contender of a benchmark: a name and a run that gives one figure, or several. */
export interface Contender<Figure = number> {
  name: string
  run(): Promise<Figure>
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/** Runs the contenders in turns, so that a machine that slows down slows all of them, and gives each one's figures. */
export async function inTurns<Figure>(
  contenders: readonly Contender<Figure>[],
  rounds: number
): Promise<Map<string, Figure[]>> {
  const figures = new Map<string, Figure[]>(contenders.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++)
    for (const { name, run } of contenders) figures.get(name)?.push(await run())
  return figures
}

/** Prints each contender's median, range, and ratio to the first one, round by round. */
export function printRatios(title: string, unit: string, figures: Map<string, number[]>): void {
  console.log(`\n${title}`)
  const first = [...figures.values()][0] ?? []
  for (const [name, values] of figures) {
    const ratio = median(values.map((value, round) => (first[round] ?? Number.NaN) / value))
    const range = `${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}`
    console.log(
      `  ${name.padEnd(44)} ${median(values).toFixed(0).padStart(7)} ${unit}  (${range})  ours/this ${ratio.toFixed(2)}`
    )
  }
}

/** One figure of several, of each contender. */
export const only = <Figure>(figures: Map<string, Figure[]>, of: (figure: Figure) => number): Map<string, number[]> =>
  new Map([...figures].map(([name, values]) => [name, values.map(of)]))
