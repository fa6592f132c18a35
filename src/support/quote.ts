import type { Mask } from './mask.ts'
import { capTail, oneLine, plain } from './text.ts'

/**
 * Text from outside as it may be shown: first without invisible characters, which could stand in the middle of a secret and hide it,
 * then masked, and cut last, for no mask knows the rest of a secret that a cut left.
 */
const safe = (mask: Mask, text: string): string => mask.text(plain(text))

/** One line of it, at most `max` characters. */
export const quoteLine = (mask: Mask, text: string, max?: number): string => oneLine(safe(mask, text), max)

/** The end of it, at most `max` characters. */
export const quoteTail = (mask: Mask, text: string, max: number): string => capTail(safe(mask, text), max)
