import type { PrometheusSignal } from './signal-schema.ts'

type Unit = PrometheusSignal['unit']

/** A value as people read it: "8.3 %", "240 ms", "1.5". */
export function shownValue(value: number, unit: Unit): string {
  if (unit === 'ratio') return `${digits(value * 100)} %`
  if (unit === 'percent') return `${digits(value)} %`
  if (unit === 'seconds') return Math.abs(value) < 1 ? `${digits(value * 1000)} ms` : `${digits(value)} s`
  return digits(value)
}

/** What a chart's axis says of the unit. */
export const unitWord = (unit: Unit): string =>
  unit === 'ratio' || unit === 'percent' ? '%' : unit === 'seconds' ? 's' : 'value'

/** A value in the unit of a chart's axis. */
export const onAxis = (value: number, unit: Unit): number => (unit === 'ratio' ? value * 100 : value)

/** Three digits that count; of a large number, all before the point. */
const digits = (value: number): string =>
  String(Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(Math.abs(value) >= 10 ? 3 : 2)))
