import { z } from 'zod'

/** What a user's request to a site looks like, and the answer that counts as good. */
export const pageProbeSchema = z
  .looseObject({
    path: z
      .string()
      .regex(/^\/[\x21-\x7e]*$/, 'is no path that begins with /')
      .default('/'),
    expect_status: z.number().int().min(200).max(599).optional()
  })
  .describe('A path that users ask for, and the status that it must answer with; else / must answer well')

export type PageProbe = z.infer<typeof pageProbeSchema>

export const probeHint = 'set `probe` for the target to say which path must answer how'
