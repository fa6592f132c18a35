import { shellWord } from '../../../../support/shell-word.ts'
import { type ContainerSummary, nameOf } from '../../objects/schemas.ts'

/**
 * Programs that resolve the names of their upstreams once, and what makes them resolve again without an interruption. Traefik, Caddy and
 * kamal-proxy resolve for each connection, Envoy every few seconds.
 */
const programs: readonly { known: RegExp; reload(container: string, byImage: boolean): string }[] = [
  {
    known: /nginx|openresty/i,
    reload: (container, byImage) =>
      byImage ? `docker exec ${container} nginx -s reload` : `docker kill -s HUP ${container}`
  },
  { known: /haproxy/i, reload: (container) => `docker kill -s HUP ${container}` },
  { known: /^httpd(:|@|$)|httpd-foreground/, reload: (container) => `docker kill -s USR1 ${container}` },
  { known: /varnish/i, reload: (container) => `docker exec ${container} varnishreload` }
]

/** Reads the figures of a proxy, and is none. */
const measuring = /exporter/

/** How a proxy that remembers addresses is reloaded; null for what is none, or follows the engine's events. */
export function reloadOf(summary: ContainerSummary): string | null {
  const { Image, Labels: labels, Command: command } = summary
  const image = Image.split('/').at(-1) ?? ''
  if (measuring.test(image) || followsEvents(summary)) return null
  const byImage = [image, labels?.['org.opencontainers.image.title'] ?? '', labels?.maintainer ?? '']
  for (const { known, reload } of programs) {
    const isImage = byImage.some((text) => known.test(text))
    if (isImage || known.test(command ?? '')) return reload(shellWord(nameOf(summary)), isImage)
  }
  return null
}

/** The label of an nginx that docker-gen reloads. */
const generated = /^com\.github\.(nginx-proxy\.nginx|jrcs\.letsencrypt_nginx_proxy_companion\.nginx_proxy)$/

/** nginx-proxy and whatever else reads the engine's socket reloads itself when a container starts. */
const followsEvents = ({ Image, Labels, Mounts }: ContainerSummary): boolean =>
  /(^|\/)(jwilder|nginxproxy)\/nginx-proxy(:|@|$)/.test(Image) ||
  Object.keys(Labels ?? {}).some((name) => generated.test(name)) ||
  (Mounts ?? []).some(({ Source }) => Source?.endsWith('/docker.sock'))
