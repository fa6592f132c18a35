/** How often something is tried that fails by itself. */
export const attempts = 4

/** Longer than this in all, nobody is kept waiting because the other side asks for it. */
export const longestWaitMs = 60_000

/** 0.25, 0.5 and 1 s, each up to half longer, so that many clients do not come back at once. */
export const pause = (attempt: number): number => 250 * 2 ** (attempt - 1) * (1 + Math.random() / 2)
