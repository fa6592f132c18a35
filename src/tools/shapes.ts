import { z } from 'zod'

/** Input fields that several tools share. Grammars are checked by the target; these bounds only keep nonsense short. */
export const target = z.string().min(1).max(200).describe('Name in deploy.json')
export const rehearse = z.boolean().optional().describe('Docker containers: first try the candidate out of reach')
export const rollbackId = z.string().regex(/^rb-\d{8}-\d{6}-[a-z0-9_-]{1,80}$/)
