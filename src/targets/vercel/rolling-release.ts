import type { Rolling } from './api.ts'
import type { Project } from './shapes.ts'

/**
 * The deployment that production is at. While a rolling release is under way that is the one being rolled out: it reaches users
 * already, and a rollback to the other one is what ends it.
 */
export const servingOf = ({ targets }: Project, rolling: Rolling | null): string | null =>
  rolling?.canary ?? targets?.production?.id ?? null

/** "10 % of the traffic". */
export const shareOf = ({ percentage }: Rolling): string =>
  percentage === null ? 'a part of the traffic' : `${percentage} % of the traffic`
