import { type Headers, headerOf } from '../../http/answer.ts'
import { askPage, type Page } from '../../http/page.ts'
import { oneLine } from '../../support/text.ts'
import type { VercelContext } from './context.ts'

/** What a production domain shows to users, and which deployments its answer names. */
export interface DomainPage extends Page {
  domain: string
  deployments: string[]
}

/**
 * Asks a production domain. A deployment behind Deployment Protection is asked with the project's bypass secret, where the environment
 * has it under the name that Vercel gives it (vercel.com/docs/deployment-protection, "Protection Bypass for Automation").
 */
export async function askDomain(
  domain: string,
  { env, config }: VercelContext,
  signal: AbortSignal
): Promise<DomainPage> {
  const secret = env.VERCEL_AUTOMATION_BYPASS_SECRET
  const headers: Record<string, string> =
    secret && /^[\x21-\x7e]+$/.test(secret) ? { 'x-vercel-protection-bypass': secret } : {}
  const found = new Set<string>()
  let error = ''
  const page = await askPage(`https://${domain}/`, env, signal, {
    probe: config.probe,
    headers,
    read: (answer) => {
      for (const id of deploymentsIn(answer)) found.add(id)
      error = errorIn(answer.headers)
    }
  })
  return { ...page, detail: error ? `${page.detail} (${error})` : page.detail, domain, deployments: [...found] }
}

/**
 * Where an answer names its own deployment: with Skew Protection in a cookie, in the document's root element and in the addresses of
 * its assets (vercel.com/docs/skew-protection). An id elsewhere in the text may be of any deployment.
 */
export function deploymentsIn({ headers, text }: { headers: Headers; text: string }): string[] {
  const cookies = [headers['set-cookie']].flat().join('; ')
  const places = [
    ...cookies.matchAll(/\b__vdpl=(dpl_\w{8,64})/g),
    ...text.matchAll(/\bdata-dpl-id="(dpl_\w{8,64})"/g),
    ...text.matchAll(/[?&](?:amp;)?dpl=(dpl_\w{8,64})/g)
  ]
  return [...new Set(places.flatMap(([, id]) => id ?? []))]
}

/** The code of an error that Vercel itself answers with (vercel.com/docs/errors). */
const errorIn = (headers: Headers): string => oneLine(headerOf(headers, 'x-vercel-error') ?? '', 60)
