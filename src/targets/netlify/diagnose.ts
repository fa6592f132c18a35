import type { Page } from '../../http/page.ts'
import type { Diagnosis, Evidence } from '../../model/diagnosis.ts'
import { capTail, oneLine, plain, quoted } from '../../support/text.ts'
import type { NetlifyContext } from './context.ts'
import { addressOf, pageOf } from './observe.ts'
import type { Deploy } from './shapes.ts'

const mostEvents = 20
const mostOfMessage = 6000

/** What Netlify says of the published deploy and of builds that failed. */
export async function diagnose(context: NetlifyContext, signal: AbortSignal): Promise<Diagnosis> {
  const { netlify } = context
  const [site, { items }] = await Promise.all([netlify.readSite(signal), netlify.productionDeploys(signal)])
  const published = site.published_deploy
  const address = addressOf(site)
  const page = await pageOf(site, context, signal)
  const failed = items.filter(({ state }) => state === 'error').slice(0, 5)
  return {
    findings: [
      ...(page ? [page.detail] : []),
      ...(published ? [`the published deploy is ${published.id}${from(published)}`] : ['no deploy is published']),
      ...failed.map(
        (deploy) =>
          `the production build ${deploy.id}${from(deploy)} failed: ${deploy.error_message ? quoted(deploy.error_message, 200) : 'no reason given'}`
      )
    ],
    events: items.slice(0, mostEvents).flatMap(eventsOf),
    evidence: [...(page && address ? shown(page, address) : []), ...failed.slice(0, 2).flatMap(failure)]
  }
}

/** The text of an error page often names its cause. */
const shown = ({ state, text, status }: Page, address: string): Evidence[] =>
  text && (state === 'down' || state === 'degraded')
    ? [{ title: `What the site answers (${status})`, source: address, text: plain(text) }]
    : []

/** Netlify's API has no build log; it has the message that the log ends with, and the page that shows the log. */
const failure = ({ id, error_message: message, admin_url: page }: Deploy): Evidence[] =>
  message
    ? [
        {
          title: `Why the build ${id} failed`,
          source: page ? `Netlify; its log: ${oneLine(page, 160)}/deploys/${id}` : 'Netlify',
          text: capTail(plain(message), mostOfMessage)
        }
      ]
    : []

const from = ({ commit_ref: commit, branch, title }: Deploy): string => {
  const words = [
    commit && `commit ${commit.slice(0, 12)}`,
    branch && `branch ${oneLine(branch, 60)}`,
    title && quoted(title, 80)
  ]
  const known = words.filter(Boolean)
  return known.length > 0 ? ` (${known.join(', ')})` : ''
}

function eventsOf(deploy: Deploy): Diagnosis['events'] {
  const source = `Netlify, deploy ${deploy.id}`
  const at = (time: string | null | undefined, text: string) =>
    time ? [{ at: new Date(time).toISOString(), text, source }] : []
  if (deploy.state === 'error') return at(deploy.created_at, `Build of ${deploy.id}${from(deploy)} failed`)
  return at(deploy.published_at, `Deploy ${deploy.id}${from(deploy)} was published`)
}
