import { expect, test } from 'vitest'
import { signalCharts } from '../../src/incident/signal-chart.ts'

const at = (second: number): string => new Date(Date.UTC(2026, 2, 18, 14, 0, second)).toISOString()
const course = (values: number[], more = {}) => ({
  name: 'error rate',
  unit: '%',
  limit: 5,
  samples: values.map((value, index) => ({ at: at(index * 10), value })),
  badFrom: at(10),
  ...more
})

test('a signal that was bad is a chart of its values and its limit over the time', () => {
  expect(signalCharts({ signals: [course([0, 8.123456, 8, 0.2])] })).toEqual([
    [
      '```mermaid',
      'xychart-beta',
      '    title "error rate, limit 5"',
      '    x-axis "seconds after 14:00:00 UTC" 0 --> 30',
      '    y-axis "%" 0 --> 8.936',
      '    line [5, 5, 5, 5]',
      '    line [0, 8.123, 8, 0.2]',
      '```'
    ].join('\n')
  ])
})

test('a signal that was never bad, or has a single value, is not drawn', () => {
  expect(signalCharts({ signals: [course([1, 2], { badFrom: undefined }), course([9])] })).toEqual([])
})

test('a name and numbers of a journal cannot leave their places', () => {
  const [chart = ''] = signalCharts({ signals: [course([1e-9, 1e300, -1e300], { name: 'a"]\n```\nb' })] })
  const lines = chart.split('\n')
  expect(lines).toHaveLength(8)
  expect(lines[2]).toBe('    title "a b, limit 5"')
  expect(lines[6]).toBe('    line [0, 1000000000000000, -1000000000000000]')
})
