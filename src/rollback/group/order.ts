import type { TargetType } from '../../targets/define-target.ts'

/** What decides when a target goes back. */
export interface Ordered {
  target: string
  holds: TargetType['holds']
  /** When the release that serves was deployed there, as deploy.json records it. */
  deployedAt?: string | undefined
  packages?: { provides: readonly string[]; pulls: readonly string[] } | undefined
}

const rank: Record<TargetType['holds'], number> = { traffic: 0, packages: 1, announcements: 2 }

/**
 * The targets in the order in which they go back: as deploy.json says; those that it does not name follow, what serves traffic first,
 * then packages, then what announces the release, each in the reverse order of its deployment. A package goes back before what pulls it.
 */
export function inOrder<Item extends Ordered>(items: readonly Item[], order: readonly string[]): Item[] {
  const named = order.flatMap((name) => items.filter(({ target }) => target === name))
  const others = items
    .filter((item) => !named.includes(item))
    .sort((a, b) => rank[a.holds] - rank[b.holds] || newerFirst(a.deployedAt ?? '', b.deployedAt ?? ''))
  return [...named, ...providersFirst(others)]
}

const newerFirst = (a: string, b: string): number => (a < b ? 1 : a > b ? -1 : 0)

/** Of packages that pull each other, the first in the list comes first. */
function providersFirst<Item extends Ordered>(items: readonly Item[]): Item[] {
  const left = [...items]
  const sorted: Item[] = []
  while (left.length > 0) {
    const next = left.findIndex((item) => !left.some((other) => other !== item && isPulledBy(other, item)))
    sorted.push(...left.splice(Math.max(next, 0), 1))
  }
  return sorted
}

const isPulledBy = (provider: Ordered, item: Ordered): boolean =>
  (provider.packages?.provides ?? []).some((name) => item.packages?.pulls.includes(name))
