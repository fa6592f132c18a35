import { parseDuration } from '../support/parse-duration.ts'

/**
 * The longest range that a query looks back ("[5m]" in it; the first part of a subquery): for so long the values of what served before
 * count in it. 0 where it names none.
 */
export const queryRangeOf = (query: string): number =>
  Math.max(
    0,
    ...query
      .split('[')
      .slice(1)
      .map((part) => parseDuration(part.split(/[\]:]/, 1)[0] ?? '') ?? 0)
  )
