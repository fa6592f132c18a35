import fetch from 'npm-registry-fetch'
import { isTrustedHost } from '../../http/trusted-hosts.ts'
import type { NpmOptions } from './npm-config.ts'

/** What proves to a registry who asks. */
export interface Login {
  token?: string
  /** Base64 of name and password. */
  auth?: string
  cert?: string
  key?: string
  otp?: string
}

/** Which of the user's logins go where. */
export interface Logins {
  /** What may be sent to an address. Empty where nothing may. */
  to(url: string): Login
  /** Why no login goes to the registry, and how a person changes that; null where one may go. */
  readonly withheld: { why: string; next: string } | null
}

/** A registry; `ownAuth` is the name and password that its address carried, in base64. */
export interface Place {
  registry: string
  ownAuth?: string
}

export const usualRegistry = 'https://registry.npmjs.org/'

/**
 * A login goes to a host only when the user vouches for the pair: by a setting of an npmrc outside the project, or of the environment,
 * that belongs to this host; NPM_TOKEN belongs to registry.npmjs.org and to the registry that they name. Without encryption it goes
 * only to this machine, or to an address that the user gave in this form.
 * @param user the npm configuration without the project's own npmrc.
 */
export function openLogins(user: NpmOptions, env: NodeJS.ProcessEnv, { registry, ownAuth }: Place): Logins {
  const named = new Set([usualRegistry, ...registriesOf(user)].map(originOf))
  const isNamed = (url: URL): boolean => named.has(url.origin) || isTrustedHost(env, url.host)

  const takesToken = (url: URL): boolean =>
    isTrustedHost(env, url.host) || [usualRegistry, String(user.registry)].some((one) => originOf(one) === url.origin)

  const boundTo = (url: URL): Login => {
    const { token, auth, cert, key } = fetch.getAuth(url.href, { ...user, registry, spec: undefined, scope: undefined })
    return given({ token, auth, cert, key })
  }

  const to = (address: string): Login => {
    const url = new URL(address)
    const isOfRegistry = url.origin === originOf(registry)
    const bound = isNamed(url) || isPrivate(url) ? boundTo(url) : {}
    const proves = Boolean(bound.token || bound.auth || bound.cert)
    if (!proves && isOfRegistry && ownAuth) return { auth: ownAuth }
    if (!proves && !isNamed(url)) return {}
    return {
      ...given({ cert: user.cert, key: user.key, otp: user.otp }),
      ...(!proves && isOfRegistry && takesToken(url) && given({ token: env.NPM_TOKEN })),
      ...bound
    }
  }

  const url = new URL(registry)
  const isOpen = isNamed(url) || Object.keys(to(registry)).length > 0
  return { to, withheld: isOpen ? null : withheldFrom(url, Object.keys(boundTo(url)).length > 0) }
}

/** Every registry that a configuration names, also those of scopes. */
const registriesOf = (options: NpmOptions): string[] =>
  Object.entries(options).flatMap(([key, value]) =>
    (key === 'registry' || /^@.*:registry$/.test(key)) && typeof value === 'string' ? [value] : []
  )

const originOf = (address: string): string => (URL.canParse(address) ? new URL(address).origin : '')

/** Whether nobody on the way can read what is sent. */
export const isPrivate = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname)

const given = (login: Partial<Record<keyof Login, unknown>>): Login =>
  Object.fromEntries(Object.entries(login).filter(([, value]) => typeof value === 'string' && value !== ''))

const withheldFrom = (url: URL, isBound: boolean): { why: string; next: string } => {
  const inTheOpen = isPrivate(url)
    ? ''
    : `, and confirm the unencrypted address with \`npm config set registry ${url.href} --location=user\` or POP_ROLLBACK_TRUSTED_HOSTS=${url.host}`
  return isBound
    ? {
        why: `No login was sent to ${url.host}: only the project gives its address with http, which anyone on the way can read`,
        next: `If the address is right, run \`npm config set registry ${url.href} --location=user\`, or set POP_ROLLBACK_TRUSTED_HOSTS=${url.host}.`
      }
    : {
        why: `No login was sent to ${url.host}: only the project names this registry`,
        next: `To use a login there, run \`npm login --registry=${url.href}\`${inTheOpen}.`
      }
}
