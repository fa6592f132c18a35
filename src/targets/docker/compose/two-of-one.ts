import { baseName, marked } from '../objects/names.ts'
import type { Container } from '../objects/schemas.ts'
import { servicesOf } from './labels.ts'

/**
 * Labels cannot be changed, so old and new are both the service's for as long as both exist. Each version of Compose chooses in its own
 * way which one of them it keeps.
 */
const because = 'Compose would see two containers of one service, and could remove the one that serves.'

/** What a person must not do while a rollback of these containers runs. */
export const whileBothExist = (containers: readonly Container[]): string[] =>
  projectsOf(containers).map(
    (project) => `Run no docker compose up or down in ${project} before the rollback has ended: ${because}`
  )

/** The same where a rollback left both. */
export function leftBothNotes(meant: readonly Container[]): string[] {
  const left = meant.filter(
    ({ Name }) => marked(Name) && meant.some((other) => other.Name !== Name && baseName(other.Name) === baseName(Name))
  )
  return projectsOf(left).map(
    (project) =>
      `Run no docker compose up or down in ${project} until ${left.map(({ Name }) => Name).join(', ')} ${left.length > 1 ? 'are' : 'is'} gone: ${because}`
  )
}

const projectsOf = (containers: readonly Container[]): string[] => [
  ...new Set(servicesOf(containers).map(({ project }) => project))
]
