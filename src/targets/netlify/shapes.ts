import { z } from 'zod'

const text = z.string().nullish()

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

export type Deploy = z.infer<typeof deploySchema>
export type Site = z.infer<typeof siteSchema>
