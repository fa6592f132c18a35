/** When something was deployed, and when it last became what serves, as the platform tells it; text in ISO 8601 or milliseconds. */
export interface WentLive<Time extends string | number> {
  id: string
  createdAt: Time
  liveAt: Time
}

/**
 * Those that somebody went back from: an older one became live after them, or serves now. Platforms that note the time of a rollback
 * tell it of former rollbacks, too; the others only of what serves.
 */
export function leftBehind<Time extends string | number>(
  all: readonly WentLive<Time>[],
  serving: string | null
): Set<string> {
  const behind = all.filter((one) =>
    all.some(
      (other) =>
        other.id !== one.id &&
        one.id !== serving &&
        other.createdAt < one.createdAt &&
        (other.id === serving || other.liveAt > one.liveAt)
    )
  )
  return new Set(behind.map(({ id }) => id))
}
