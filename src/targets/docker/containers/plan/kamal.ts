import type { Blocker } from '../../../../model/observation.ts'
import { baseName } from '../../objects/names.ts'
import type { Container } from '../../objects/schemas.ts'

/**
 * Kamal's proxy is told which container serves, and Kamal finds versions by the names of containers: a replacement that Kamal did not
 * start gets no traffic, or is taken for another version. Kamal goes back by itself.
 */
export function kamalBlockers(containers: readonly Container[], version: string): Blocker[] {
  const [first] = containers.filter(isKamals)
  if (!first) return []
  const destination = first.Config.Labels?.destination ?? ''
  const where = /^[\w.-]+$/.test(destination) ? ` -d ${destination}` : ''
  return [
    {
      id: 'kamal',
      what: `Kamal runs ${baseName(first.Name)}`,
      why: 'its proxy sends traffic only to the container that Kamal names to it; nothing was changed',
      next: `Run: kamal rollback ${version}${where}`
    }
  ]
}

/** Kamal names containers `service-role-[destination-]version`, and labels all of that but the version, an empty destination too. */
function isKamals({ Name, Config: { Labels: labels } }: Container): boolean {
  const { service, role, destination } = labels ?? {}
  return Boolean(service && role) && destination !== undefined && baseName(Name).startsWith(`${service}-${role}-`)
}
