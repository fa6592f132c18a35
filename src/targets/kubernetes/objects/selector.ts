import type { Selector } from './objects.ts'

/** A selector in the form of a query (kubernetes.io, "Labels and Selectors"). */
export function selectorText({ matchLabels, matchExpressions }: Selector): string {
  const expressions = (matchExpressions ?? []).map(({ key, operator, values }) => {
    if (operator === 'Exists') return key
    if (operator === 'DoesNotExist') return `!${key}`
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${(values ?? []).join(',')})`
  })
  return [...Object.entries(matchLabels ?? {}).map(([key, value]) => `${key}=${value}`), ...expressions].join(',')
}

/** Whether labels are selected (kubernetes.io, "Labels and Selectors"); an unknown operator selects nothing. */
export function matches({ matchLabels, matchExpressions }: Selector, labels: Record<string, string>): boolean {
  const expressions = (matchExpressions ?? []).every(({ key, operator, values }) => {
    const is = labels[key]
    if (operator === 'Exists') return is !== undefined
    if (operator === 'DoesNotExist') return is === undefined
    if (operator === 'In') return is !== undefined && (values ?? []).includes(is)
    return operator === 'NotIn' && (is === undefined || !(values ?? []).includes(is))
  })
  return expressions && Object.entries(matchLabels ?? {}).every(([key, value]) => labels[key] === value)
}
