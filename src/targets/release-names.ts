import type { DeploymentRecord } from '../model/deployment-record.ts'

/** A platform's own name of something deployed. */
export interface Deployed {
  id: string
  commit: string | null
}

const shownOfCommit = 7

/**
 * What people call each of some deployments: what deploy.json calls it, where a record names its id, or its commit and nothing else here
 * has that commit; else the beginning of that commit; else its id. No name is given twice, and the first in the list comes first.
 */
export function namesOf(deployed: readonly Deployed[], history: readonly DeploymentRecord[]): Map<string, string> {
  const ofCommit = (commit: string): number =>
    deployed.filter((one) => one.commit?.startsWith(commit.toLowerCase())).length
  const recorded = ({ id, commit }: Deployed): string | undefined =>
    (
      history.find(({ digest }) => digest === id) ??
      history.find(
        (record) =>
          record.digest === undefined &&
          commit &&
          isCommit(record.commit) &&
          commit.startsWith(record.commit.toLowerCase()) &&
          ofCommit(record.commit) === 1
      )
    )?.version
  const names = new Map<string, string>()
  const taken = new Set<string>()
  for (const one of deployed) {
    const short = one.commit?.slice(0, shownOfCommit)
    const wanted = [recorded(one), short && ofCommit(short) === 1 ? short : undefined]
    const name = wanted.find((candidate) => candidate !== undefined && !taken.has(candidate)) ?? one.id
    names.set(one.id, name)
    taken.add(name)
  }
  return names
}

const isCommit = (text: string | undefined): text is string => text !== undefined && /^[0-9a-f]{7,64}$/i.test(text)
