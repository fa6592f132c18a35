import { dependenciesOf, ownedBy } from './labels.ts'

type Labels = Record<string, string> | null | undefined

/**
 * Parts items into rounds: those of a service come after those of the services that it depends on, as far as these are among
 * them. What is in one round does not depend on each other; within it the order stays.
 */
export function inRounds<T>(items: readonly T[], labelsOf: (item: T) => Labels): T[][] {
  const serviceOf = (item: T): string | undefined => ownedBy(labelsOf(item))?.service
  const bases = new Map(items.map((item) => [serviceOf(item), dependenciesOf(labelsOf(item))]))
  const depth = (service: string | undefined, above: readonly (string | undefined)[] = []): number => {
    const below = (bases.get(service) ?? []).filter((base) => bases.has(base) && ![...above, service].includes(base))
    return below.length === 0 ? 0 : 1 + Math.max(...below.map((base) => depth(base, [...above, service])))
  }
  const depths = items.map((item) => depth(serviceOf(item)))
  return [...new Set(depths)].sort((a, b) => a - b).map((round) => items.filter((_, index) => depths[index] === round))
}
