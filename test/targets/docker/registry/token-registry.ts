import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the registry makes of its users; a test changes it as it goes. */
export interface Rules {
  /** Passwords that are good today, by user. */
  passwords: Record<string, string>
  /** Refresh tokens (identity tokens) that are good today. */
  refreshTokens: string[]
  /** Users who may pull nothing: the token service gives them a token without access. */
  powerless: string[]
  /** Whether a token has expired when it arrives. */
  expired: boolean
  /** Set while the registry has had enough of everybody. */
  limited: boolean
}

export interface TokenRegistry {
  /** host:port */
  address: string
  rules: Rules
  close(): void
}

interface Token {
  subject: string
  actions: string[]
}

/**
 * A registry behind token authentication (distribution.github.io/distribution/spec/auth/token, and /oauth2 for refresh tokens) that
 * passes on what is allowed to a real one.
 */
export async function startTokenRegistry(behind: string): Promise<TokenRegistry> {
  const rules: Rules = { passwords: {}, refreshTokens: [], powerless: [], expired: false, limited: false }
  const tokens = new Map<string, Token>()
  const server = createServer((incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://registry')
    if (url.pathname === '/token') return void issue(incoming, response, url)
    const token = tokens.get((incoming.headers.authorization ?? '').replace(/^Bearer /, ''))
    const repository = /^\/v2\/(.+)\/(manifests|blobs|tags)\//.exec(url.pathname)?.[1]
    const wanted = repository ? `repository:${repository}:pull` : null
    if (!token) return challenge(response, wanted)
    if (rules.expired) return challenge(response, wanted, 'invalid_token')
    if (wanted && !token.actions.includes(wanted)) return challenge(response, wanted, 'insufficient_scope')
    if (rules.limited && wanted) return tooMany(response)
    incoming.pipe(
      request(`http://${behind}${incoming.url}`, { method: incoming.method, headers: incoming.headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      })
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`

  async function issue(incoming: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const form = new URLSearchParams(incoming.method === 'POST' ? await textOf(incoming) : url.search)
    const subject = incoming.method === 'POST' ? byRefreshToken(form) : byPassword(incoming)
    if (subject === null)
      return void json(response, 401, { errors: [{ code: 'UNAUTHORIZED', message: 'incorrect username or password' }] })
    const scopes = (form.getAll('scope').join(' ') || '').split(' ').filter(Boolean)
    const token = `token-${subject || 'anonymous'}-${tokens.size}-0123456789`
    tokens.set(token, { subject, actions: subject === '' || rules.powerless.includes(subject) ? [] : scopes })
    json(response, 200, { token, access_token: token, expires_in: 300, issued_at: new Date().toISOString() })
  }

  /** The user, '' for nobody in particular, null for a wrong password. */
  function byPassword({ headers }: IncomingMessage): string | null {
    if (!headers.authorization) return ''
    const [user = '', password = ''] = Buffer.from(headers.authorization.slice(6), 'base64').toString().split(':')
    return rules.passwords[user] === password ? user : null
  }

  const byRefreshToken = (form: URLSearchParams): string | null =>
    form.get('grant_type') === 'refresh_token' && rules.refreshTokens.includes(form.get('refresh_token') ?? '')
      ? 'refreshed'
      : null

  function challenge(response: ServerResponse, scope: string | null, error?: string): void {
    const parts = [`realm="http://${address}/token"`, 'service="test-registry"']
    if (scope) parts.push(`scope="${scope}"`)
    if (error) parts.push(`error="${error}"`)
    response.setHeader('www-authenticate', `Bearer ${parts.join(',')}`)
    const denied = error === 'insufficient_scope'
    json(response, 401, {
      errors: [
        denied
          ? { code: 'DENIED', message: 'requested access to the resource is denied' }
          : { code: 'UNAUTHORIZED', message: 'authentication required' }
      ]
    })
  }

  return { address, rules, close: () => void server.close() }
}

/** As Docker Hub answers (docs.docker.com/docker-hub/usage/pulls). */
function tooMany(response: ServerResponse): void {
  response.setHeader('retry-after', '90')
  response.setHeader('ratelimit-limit', '100;w=21600')
  response.setHeader('ratelimit-remaining', '0;w=21600')
  const message = 'You have reached your pull rate limit. You may increase the limit by authenticating and upgrading.'
  json(response, 429, { errors: [{ code: 'TOOMANYREQUESTS', message }] })
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'docker-distribution-api-version': 'registry/2.0' })
  response.end(JSON.stringify(body))
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
