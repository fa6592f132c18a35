import type { FoundToken } from '../../http/credentials.ts'
import type { Blocker, Risk } from '../../model/observation.ts'
import { blockedBy, type Objections } from '../../model/plan.ts'
import type { GitHub } from './api.ts'
import type { GitHubContext } from './context.ts'
import type { GitHubSettings } from './settings.ts'
import type { GitHubRelease, GitHubRepository } from './shapes.ts'

/** Whether this token may edit releases, as far as it can be known without writing. */
export async function rightsOf(
  { github, settings }: GitHubContext,
  releases: readonly GitHubRelease[],
  signal: AbortSignal
): Promise<Objections> {
  const { token } = settings
  if (!token) return blockedBy(notLoggedIn(settings))
  const { repository, scopes } = await github.repository(signal)
  if (repository.archived) return blockedBy(archived(github))
  if (repository.permissions?.push === false) return blockedBy(mayNotPush(github, token.from))
  if (scopes && !scopes.includes('repo') && !(scopes.includes('public_repo') && !repository.private))
    return blockedBy(scopeMissing(token.from, repository.private ? 'repo' : 'public_repo', scopes))
  const unsure = scopes ? [] : [unknown]
  if (scopes?.includes('workflow')) return { blockers: [], risks: unsure }
  const workflows = await touchesWorkflows(github, repository, releases, signal)
  const risks = workflows.length > 0 ? [workflowsUnknown(workflows, token, scopes)] : []
  return { blockers: [], risks: [...(risks.length > 0 && isOfActions(token) ? [] : unsure), ...risks] }
}

/** The token of an Actions job or of an app. */
const isOfActions = ({ token }: FoundToken): boolean => token.startsWith('ghs_')

/**
 * Where workflow files of a release's target differ from the default branch, GitHub lets only a token with rights on workflows edit the
 * release, and answers 404 to any other (docs.github.com/rest/releases/releases, "Update a release"). Which commit it takes as the target
 * of an existing release cannot be seen from outside, so what is found here is only a risk: the first step would fail and change nothing.
 */
async function touchesWorkflows(
  github: GitHub,
  { default_branch: branch }: GitHubRepository,
  releases: readonly GitHubRelease[],
  signal: AbortSignal
): Promise<string[]> {
  const present = await github.workflows(branch, signal)
  const touching: string[] = []
  for (const { tag_name: tag } of releases) {
    const commit = await github.commitOfTag(tag, signal)
    const files = commit ? await github.workflows(commit, signal) : new Map<string, string>()
    if ([...files].some(([file, sha]) => present.get(file) !== sha)) touching.push(tag)
  }
  return touching
}

const notLoggedIn = ({ host, tokenPlaces }: GitHubSettings): Blocker => ({
  id: 'not_logged_in',
  what: 'There is no token for GitHub',
  why: `none was found in ${tokenPlaces.join(', ')}`,
  next: `Log in with gh auth login --hostname ${host}, or set a token in one of these places, then assess again.`
})

const archived = ({ name }: GitHub): Blocker => ({
  id: 'archived',
  what: `${name} is archived`,
  why: 'nothing in an archived repository can be changed',
  next: 'Ask an administrator to unarchive it in its settings, then assess again.'
})

const mayNotPush = ({ name }: GitHub, from: string): Blocker => ({
  id: 'no_rights',
  what: `The user of the token may not change ${name}`,
  why: `GitHub reports that the user of the token from ${from} has no write access there`,
  next: 'Use the token of a user with write access, then assess again.'
})

const scopeMissing = (from: string, scope: string, has: string[]): Blocker => ({
  id: 'no_scope',
  what: `The token lacks the scope ${scope}`,
  why: `the token from ${from} has ${has.filter(Boolean).join(', ') || 'no scope'}`,
  next: `Give the token the scope ${scope} (gh auth refresh --scopes ${scope}), then assess again.`
})

/** GitHub does not report the permissions of a fine-grained token. */
const unknown: Risk = {
  id: 'rights_unknown',
  serious: false,
  title: 'Whether this token may edit releases is unknown',
  detail:
    'GitHub does not report the permissions of fine-grained and app tokens. This one needs write access to the contents; without it, the first step fails and nothing changes.'
}

const workflowsUnknown = (tags: string[], token: FoundToken, scopes: string[] | null): Risk => ({
  id: 'workflow_rights_unknown',
  serious: false,
  title: 'The token may lack rights on workflows',
  detail: `Workflow files of ${tags.join(' and ')} differ from the default branch. GitHub may then refuse an edit by a token without ${needed(token, scopes)}. In that case the first step fails and nothing changes.`
})

function needed(token: FoundToken, scopes: string[] | null): string {
  if (scopes) return `the scope workflow, which the one from ${token.from} lacks (gh auth refresh --scopes workflow)`
  return isOfActions(token)
    ? 'the permission Workflows: write, which the token of an Actions job can never have'
    : 'the permission Workflows: write; this one is fine-grained'
}
