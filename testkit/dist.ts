import { join } from 'node:path'

/** A program as it is built and shipped. A test that reaches this file runs in a project that builds dist/ first. */
export const distFile = (name: string): string => join(import.meta.dirname, '../dist', name)
