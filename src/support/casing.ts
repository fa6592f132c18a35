/** Keys below which the data is a target's own and keeps its spelling. */
const opaque = new Set(['params', 'recorded', 'details', 'observed', 'fingerprint', 'snapshot', 'config'])

const toSnake = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
/** A snake_case key in camelCase. */
export const camelCaseKey = (key: string): string =>
  key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

const mapKeys = (value: unknown, rename: (key: string) => string): unknown => {
  if (Array.isArray(value)) return value.map((inner) => mapKeys(inner, rename))
  if (!value || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([key, inner]) => [rename(key), opaque.has(key) ? inner : mapKeys(inner, rename)])
  )
}

/** JSON that leaves is snake_case; this is the one place that maps. Undefined fields are dropped. */
export const snakeCase = (value: unknown): unknown => mapKeys(value, toSnake)

/** The reverse, for what this program itself wrote. */
export const camelCase = (value: unknown): unknown => mapKeys(value, camelCaseKey)
