import { z } from 'zod'

const text = z.string().nullish()

/** As steps name a deploy. */
export const deployId = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/)

/** A deploy, as Netlify's API describes it (open-api.netlify.com, schema `deploy`). */
export const deploySchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  context: text,
  branch: text,
  commit_ref: text,
  title: text,
  name: text,
  url: text,
  ssl_url: text,
  admin_url: text,
  deploy_url: text,
  deploy_ssl_url: text,
  created_at: text,
  published_at: text,
  updated_at: text,
  error_message: text,
  locked: z.boolean().nullish(),
  draft: z.boolean().nullish(),
  committer: text
})

export const siteSchema = z.looseObject({
  id: z.string(),
  name: text,
  url: text,
  ssl_url: text,
  custom_domain: text,
  account_slug: text,
  published_deploy: deploySchema.nullish()
})

export const userSchema = z.looseObject({ id: text, email: text })

export const membersSchema = z.array(z.looseObject({ id: text, email: text, role: text }))

export const splitTestsSchema = z.array(
  z.looseObject({
    id: z.string(),
    name: text,
    active: z.boolean().nullish(),
    branches: z.array(z.looseObject({ branch: text })).nullish()
  })
)

export type SplitTest = z.infer<typeof splitTestsSchema>[number]
export type Deploy = z.infer<typeof deploySchema>
export type Site = z.infer<typeof siteSchema>
