import semver from 'semver'
import { deprecationOf, type Packument } from './packument.ts'

/** What moving a tag does not repair. */
export function notRepaired(name: string, from: string, to: string): string[] {
  return [
    `Lockfiles that name ${name}@${from} keep installing it until they are updated.`,
    ...(semver.gt(from, to)
      ? [
          `Ranges that ${to} does not satisfy, such as ^${from}, keep resolving to ${from}; only a fixed, higher version repairs that.`,
          `Installed copies of ${from} stay; programs that update themselves do not go back to a lower version.`
        ]
      : []),
    'Mirrors and caches may answer with the old tag for some minutes.'
  ]
}

/** Published versions between the candidate and the failed one that users can still get without a warning, the lowest first. */
export const between = ({ versions }: Packument, from: string, to: string): string[] =>
  Object.keys(versions)
    .filter((one) => semver.valid(one) === one && semver.gt(one, to) && semver.lt(one, from))
    .filter((one) => deprecationOf(versions[one]) === '')
    .sort(semver.compare)
