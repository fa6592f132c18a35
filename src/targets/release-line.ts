import semver from 'semver'

/**
 * Why the release that one goes back from may be sound, so that nothing but the pointer to it is changed: a backport, or a
 * prerelease, that became the latest by mistake. null where it is the failed one, or the versions say nothing.
 */
export function mayBeSound(failed: string, candidate: string): string | null {
  const [from, to] = [failed, candidate].map((text) => semver.parse(text, { loose: true }))
  if (!from || !to) return null
  if (semver.gt(to, from)) return `${candidate} is the higher version`
  const [line] = from.prerelease
  const isOfLine = lineOf(from.major) === lineOf(to.major) && (line === undefined || line === to.prerelease[0])
  return isOfLine ? null : `${candidate} is of another release line`
}

/** A year as the first number is the time of a release, not a line. */
const lineOf = (major: number): number => (major > 1900 ? 0 : major)
