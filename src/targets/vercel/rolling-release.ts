import type { Rolling } from './api.ts'
import type { Project } from './shapes.ts'

/** After a rollback Vercel assigns production domains to no new deployment. */
export const isPinned = ({ autoAssignCustomDomains }: Project): boolean => autoAssignCustomDomains === false

/**
 * The production deployment. During a rolling release that is the one being rolled out: it already reaches users, and a rollback to the
 * other one ends the rolling release.
 */
export const servingOf = ({ targets }: Project, rolling: Rolling | null): string | null =>
  rolling?.canary ?? targets?.production?.id ?? null

/** "10 % of the traffic". */
export const shareOf = ({ percentage }: Rolling): string =>
  percentage === null ? 'a part of the traffic' : `${percentage} % of the traffic`
