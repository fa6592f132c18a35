import { askPage, type Page } from '../http/page.ts'

/** What a production domain shows to users, and which deployments its answer names. */
export interface DomainPage extends Page {
  deployments: string[]
}

/**
 * Asks a production domain. A deployment behind Deployment Protection is asked with the project's bypass secret, where the environment
 * has it under the name that Vercel gives it (vercel.com/docs/deployment-protection, "Protection Bypass for Automation").
 */
export async function askDomain(domain: string, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<DomainPage> {
  const secret = env.VERCEL_AUTOMATION_BYPASS_SECRET
  const headers: Record<string, string> =
    secret && /^[\x21-\x7e]+$/.test(secret) ? { 'x-vercel-protection-bypass': secret } : {}
  const found = new Set<string>()
  const page = await askPage(`https://${domain}/`, env, signal, {
    headers,
    read: (answer) => {
      for (const id of deploymentsIn(answer)) found.add(id)
    }
  })
  return { ...page, deployments: [...found] }
}

/**
 * Where an answer names its own deployment: with Skew Protection in a cookie, in the document's root element and in the addresses of
 * its assets (vercel.com/docs/skew-protection). An id elsewhere in the text may be of any deployment.
 */
export function deploymentsIn({ headers, text }: { headers: Record<string, unknown>; text: string }): string[] {
  const cookies = [headers['set-cookie']].flat().join('; ')
  const places = [
    ...cookies.matchAll(/\b__vdpl=(dpl_\w{8,64})/g),
    ...text.matchAll(/\bdata-dpl-id="(dpl_\w{8,64})"/g),
    ...text.matchAll(/[?&](?:amp;)?dpl=(dpl_\w{8,64})/g)
  ]
  return [...new Set(places.flatMap(([, id]) => id ?? []))]
}
