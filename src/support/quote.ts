import type { Mask } from './mask.ts'
import { capTail, oneLine, quoted } from './text.ts'

// Masked first and cut last: no mask knows the rest of a secret that a cut left.

/** One line of text from outside, at most `max` characters. */
export const quoteLine = (mask: Mask, text: string, max?: number): string => oneLine(mask.text(text), max)

/** One line of what somebody else wrote or a program printed, in quotes, for a sentence of ours. */
export const quote = (mask: Mask, text: string, max?: number): string => quoted(mask.text(text), max)

/** The end of it, at most `max` characters. */
export const quoteTail = (mask: Mask, text: string, max: number): string => capTail(mask.text(text), max)
