import type { SignalCourse } from '../model/signal.ts'
import type { Incident } from './incident.ts'
import { mermaidLabel } from './mermaid-label.ts'

const mostCharts = 3
const mostPoints = 30

/** A small line chart in Mermaid for each signal that was bad: its values, and its limit as a second line. */
export const signalCharts = ({ signals = [] }: Pick<Incident, 'signals'>): string[] =>
  signals
    .filter(({ badFrom }) => badFrom !== undefined)
    .slice(0, mostCharts)
    .flatMap((course) => chartOf(course) ?? [])

function chartOf({ name, unit, limit, samples }: SignalCourse): string | null {
  const points = evenly(samples)
  const [first, last] = [samples[0], samples.at(-1)]
  if (!first || !last || points.length < 2) return null
  const minutes = (Date.parse(last.at) - Date.parse(first.at)) / 60_000
  const [length, word] = minutes < 5 ? [minutes * 60, 'seconds'] : [minutes, 'minutes']
  const [low, high] = rangeOf(limit === undefined ? points : [...points, limit])
  return [
    '```mermaid',
    'xychart-beta',
    `    title "${mermaidLabel(name)}${limit === undefined ? '' : `, limit ${rounded(limit)}`}"`,
    `    x-axis "${word} after ${first.at.slice(11, 19)} UTC" 0 --> ${rounded(length)}`,
    `    y-axis "${unit}" ${rounded(low)} --> ${rounded(high)}`,
    // The first line has Mermaid's palest colour.
    ...(limit === undefined ? [] : [`    line [${points.map(() => rounded(limit)).join(', ')}]`]),
    `    line [${points.map(rounded).join(', ')}]`,
    '```'
  ].join('\n')
}

/** Values at even distances, as the chart draws them: at each the newest one known. */
function evenly(samples: SignalCourse['samples']): number[] {
  const [first, last] = [samples[0], samples.at(-1)]
  if (!first || !last || samples.length < 2) return []
  const [start, end] = [Date.parse(first.at), Date.parse(last.at)]
  const count = Math.min(mostPoints, samples.length)
  let next = 0
  return Array.from({ length: count }, (_, index) => {
    const at = start + ((end - start) * index) / (count - 1)
    while (Date.parse(samples[next + 1]?.at ?? '') <= at) next++
    return samples[next]?.value ?? first.value
  })
}

/** From 0 to a little above the highest value. */
function rangeOf(values: readonly number[]): [low: number, high: number] {
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)]
  return [low, high > low ? high + (high - low) / 10 : low + 1]
}

/** Four digits that count, and no exponent, which Mermaid does not read. */
function rounded(value: number): string {
  const short = Number(value.toPrecision(4))
  return Math.abs(short) < 1e-6 ? '0' : String(Math.min(1e15, Math.max(-1e15, short)))
}
