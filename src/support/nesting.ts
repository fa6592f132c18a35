const isNested = (value: unknown): value is object => typeof value === 'object' && value !== null

/** JSON from outside is walked by functions that call themselves; nothing that anybody writes by hand is nested deeper than this. */
const deepest = 100

/**
 * Takes a value of JSON; gives the beginning of the path to one that is nested too deep to be worked with, null when there is none.
 */
export function tooDeepAt(value: unknown): string[] | null {
  if (!isDeeper(value, deepest)) return null
  const path: string[] = []
  for (let at = value; path.length < 4; ) {
    const [key, inner] =
      Object.entries(at as object).find(([, each]) => isDeeper(each, deepest - path.length - 1)) ?? []
    if (key === undefined) break
    path.push(key)
    at = inner
  }
  return path
}

function isDeeper(value: unknown, levels: number): boolean {
  let level = [value].filter(isNested)
  for (let depth = 0; depth < levels && level.length > 0; depth++)
    level = level.flatMap((each) => Object.values(each).filter(isNested))
  return level.length > 0
}
