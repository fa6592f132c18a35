import type { Risk } from '../../../../model/observation.ts'
import type { Release } from '../../../../model/release.ts'
import { baseName } from '../../objects/names.ts'
import type { Container, Mount } from '../../objects/schemas.ts'

/**
 * The label by which an image or a container says that its version changes the data in a volume so that earlier versions may not read
 * it: the name or path of a volume, several with commas, or "true" for every one.
 */
export const migratesLabel = 'popkit.rollback.migrates'

/** Data that the newer version has migrated does not go back with the image. */
export function migratedVolumeRisks(
  containers: readonly Container[],
  current: Release | null,
  { version }: Release
): Risk[] {
  const found = new Map<string, Risk>()
  for (const container of containers)
    for (const volume of migrated(container)) found.set(volume, riskOf(volume, container, current, version))
  return [...found.values()]
}

function migrated(container: Container): string[] {
  const value = container.Config.Labels?.[migratesLabel]?.trim() ?? ''
  if (value === '' || value === 'false') return []
  const mounts = (container.Mounts ?? []).filter(({ RW, Type }) => RW !== false && Type !== 'tmpfs')
  if (value === 'true') return mounts.map(nameOfMount)
  return value
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
    .map((name) => {
      const mount = mounts.find((one) => isCalled(one, name, container))
      return mount ? nameOfMount(mount) : name
    })
}

const nameOfMount = ({ Name, Source, Destination }: Mount): string => Name ?? Source ?? Destination

/** By its own name, by the one that it has in the Compose file, or by where it is mounted. */
const isCalled = ({ Name, Source, Destination }: Mount, name: string, { Config }: Container): boolean => {
  const project = Config.Labels?.['com.docker.compose.project']
  return [Name, Source, Destination].includes(name) || (project !== undefined && Name === `${project}_${name}`)
}

const riskOf = (volume: string, container: Container, current: Release | null, version: string): Risk => ({
  id: `volume_migrated:${volume.slice(0, 64)}`,
  serious: true,
  title: `${current?.version ?? 'The newer version'} changed the data in the volume ${volume}`,
  detail: `${version} may not be able to read it (label ${migratesLabel} of ${baseName(container.Name)}). Back up ${volume} now. Then make sure that ${version} reads the newer data, or restore a backup from before ${current?.version ?? 'the newer version'}.`
})
