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

/**
 * What a JSON text from outside says, where that can be worked with.
 * @throws SyntaxError when it is no JSON, or nested too deep.
 */
export function parseOutsideJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  if (isDeeper(value, deepest)) throw new SyntaxError(`it is nested deeper than ${deepest} levels`)
  return value
}

/** The same; undefined where that throws. */
export function tryOutsideJson(text: string): unknown {
  try {
    return parseOutsideJson(text)
  } catch {
    return undefined
  }
}

/** It calls itself at most so many times deep. */
const isDeeper = (value: unknown, levels: number): boolean =>
  isNested(value) && (levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1)))
