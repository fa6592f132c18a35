import { z } from 'zod'

/** Input fields that several tools share. The target checks their grammar; these bounds only keep the input short. */
export const target = z.string().min(1).max(1500).describe('Name in deploy.json; a,b or all: several as one')
export const rehearse = z
  .boolean()
  .optional()
  .describe('Docker containers, Kubernetes: start the candidate in isolation first')
export const withConfig = z.boolean().optional().describe('Docker: restore environment and command, too')
/** Of one target, or of several as one. */
export const rollbackId = z.string().regex(/^(?:rb-\d{8}-\d{6}-[a-z0-9_-]{1,80}|rg-\d{8}-\d{6}-[0-9a-f]{6})$/)
