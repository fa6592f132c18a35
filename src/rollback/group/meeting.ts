/** Several works that each wait for what all of them found. */
export interface Meeting<Item, Decision> {
  /** What was decided once each has come or left. @throws what the decision throws. */
  arrive(name: string, item: Item): Promise<Decision>
  /** Nobody waits for it any more. */
  leave(name: string): void
}

/** Decides once, when each of `names` has arrived or left. */
export function meeting<Item, Decision>(
  names: readonly string[],
  decide: (items: ReadonlyMap<string, Item>) => Decision
): Meeting<Item, Decision> {
  const awaited = new Set(names)
  const items = new Map<string, Item>()
  const { promise, resolve } = withResolvers<void>()
  let decision: Decision | undefined
  const leave = (name: string): void => {
    awaited.delete(name)
    if (awaited.size === 0) resolve()
  }
  return {
    async arrive(name, item) {
      items.set(name, item)
      leave(name)
      await promise
      decision ??= decide(items)
      return decision
    },
    leave
  }
}

/** A promise with its ends, as newer versions of Node have it. */
export function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
