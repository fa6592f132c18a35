import { z } from 'zod'

/** A version that is not to be deployed to a target again, as deploy.json keeps it. */
export const frozenSchema = z.looseObject({
  target: z.string().describe('Name of the target.'),
  version: z.string().describe('The version that is not to be deployed again.'),
  until: z.string().nullish().describe('When the freeze ends by itself, ISO 8601. Without it, unfreeze ends it.'),
  reason: z.string().nullish().describe('Why, for whoever is about to deploy it.'),
  at: z.string().nullish().describe('When it was frozen.')
})

/** A freeze; times are UTC instants. */
export interface Frozen {
  target: string
  version: string
  /** null: until a person ends it. */
  until: string | null
  reason: string | null
}
