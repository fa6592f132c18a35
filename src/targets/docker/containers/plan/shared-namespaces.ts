import type { Blocker } from '../../../../model/observation.ts'
import type { Container } from '../../objects/schemas.ts'
import { baseName } from '../observe/workload.ts'

/**
 * A container in the network or another name space of one that is replaced with it cannot follow: it can neither start while its
 * base is stopped nor, when all is undone newest first, be brought back before its base is.
 */
export function sharedNamespaceBlockers(containers: readonly Container[]): Blocker[] {
  return containers.flatMap((container) => {
    const { NetworkMode, PidMode, IpcMode } = container.HostConfig
    const base = containers.find(({ Id }) => [NetworkMode, PidMode, IpcMode].includes(`container:${Id}`))
    if (!base) return []
    const [name, on] = [baseName(container.Name), baseName(base.Name)]
    return [
      {
        id: `shared_namespace:${name}`,
        what: `${name} and ${on} cannot go back together`,
        why: `${name} lives in a name space of ${on} and would be stopped with it, half way`,
        next: `Name ${on} alone in \`services\` or \`containers\` of the configuration; the plan then says how ${name} is created anew after it.`
      }
    ]
  })
}
