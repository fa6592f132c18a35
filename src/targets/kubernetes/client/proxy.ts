import { BlockList, isIP } from 'node:net'

/**
 * The proxy that kubectl would use for a server, from HTTPS_PROXY, HTTP_PROXY and NO_PROXY; undefined for none. The rules are Go's
 * (golang.org/x/net/http/httpproxy): NO_PROXY holds `*`, addresses, CIDR ranges, and domains that include their subdomains, each
 * optionally with a port; requests to this machine itself never use a proxy.
 */
export function proxyFor(server: URL, env: NodeJS.ProcessEnv): string | undefined {
  const scheme = server.protocol === 'https:' ? 'https' : 'http'
  const proxy = env[`${scheme.toUpperCase()}_PROXY`] || env[`${scheme}_proxy`]
  if (!proxy || isLocal(hostOf(server)) || isExcepted(server, env.NO_PROXY || env.no_proxy || '')) return undefined
  return proxy.includes('://') ? proxy : `http://${proxy}`
}

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '').toLowerCase()

const isLocal = (host: string): boolean => host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host)

function isExcepted(server: URL, exceptions: string): boolean {
  const host = hostOf(server)
  const port = server.port || (server.protocol === 'https:' ? '443' : '80')
  return exceptions.split(',').some((entry) => {
    const text = entry.trim().toLowerCase()
    if (text === '') return false
    if (text === '*') return true
    if (text.includes('/')) return isInRange(host, text)
    const [, name = text, only] = /^(.*?)(?::(\d+))?$/.exec(isIP(text) === 6 ? `${text}:` : text) ?? []
    if (only !== undefined && only !== port) return false
    const bare = name.replace(/:$/, '').replace(/^\*?\./, '')
    return (host === bare && !name.startsWith('.')) || (isIP(host) === 0 && host.endsWith(`.${bare}`))
  })
}

function isInRange(host: string, range: string): boolean {
  const [net = '', bits] = range.split('/')
  const family = isIP(net)
  if (isIP(host) !== family || family === 0 || !/^\d{1,3}$/.test(bits ?? '')) return false
  const list = new BlockList()
  try {
    list.addSubnet(net, Number(bits), family === 6 ? 'ipv6' : 'ipv4')
  } catch {
    return false
  }
  return list.check(host, family === 6 ? 'ipv6' : 'ipv4')
}
