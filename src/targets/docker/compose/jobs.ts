import type { ContainerSummary } from '../objects/schemas.ts'
import { ownedBy } from './labels.ts'

type Labels = Record<string, string> | null | undefined

/** Whether a container is of a service for whose end others wait (`service_completed_successfully`): it runs once, and ends. */
export type IsJob = (container: { Config: { Labels?: Labels } }) => boolean

/** Jobs are known by the labels of the services that depend on them: `migrate:service_completed_successfully:false`. */
export function jobsAmong(all: readonly ContainerSummary[]): IsJob {
  const jobs = new Set(
    all.flatMap(({ Labels: labels }) => {
      const project = ownedBy(labels)?.project
      const entries = (labels?.['com.docker.compose.depends_on'] ?? '').split(',')
      return entries.flatMap((entry) => {
        const [service, condition] = entry.split(':')
        return project && service && condition === 'service_completed_successfully' ? [`${project} ${service}`] : []
      })
    })
  )
  return ({ Config: { Labels: labels } }) => {
    const owned = ownedBy(labels)
    return owned !== null && jobs.has(`${owned.project} ${owned.service}`)
  }
}
