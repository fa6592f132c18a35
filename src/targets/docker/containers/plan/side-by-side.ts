import { quoted } from '../../../../support/text.ts'
import type { Container, Healthcheck } from '../../objects/schemas.ts'
import { hasHealthcheck } from '../check/await-healthy.ts'
import { writableMounts } from '../recreate/host.ts'
import { hasFixedAddress } from '../recreate/networks.ts'
import { ownNamesAsked } from './own-names.ts'

/**
 * Why the replacement cannot run beside the container it replaces; null when it can. They must share nothing that both would
 * write to or hold, and health must tell when the replacement may take over.
 */
export function whyNotBeside(container: Container, healthcheck: Healthcheck | null | undefined): string | null {
  if (!(container.State.Running || container.State.Restarting) || container.State.Paused || container.RestartCount)
    return 'it is not running properly'
  const why = whyNotTogether(container)
  if (why) return why
  const [own] = ownNamesAsked(container, healthcheck)
  if (own) return `its health check asks ${quoted(own)}, a name that leads to both while both run`
  if (!hasHealthcheck({ Healthcheck: healthcheck })) return 'it has no health check to say when the new one is ready'
  return null
}

/** The part of that which stays as it is, however the container runs. */
export function whyNotTogether(container: Container): string | null {
  const host = container.HostConfig
  const mode = host.NetworkMode ?? 'default'
  const writable = writableMounts(container)[0]
  if (Object.keys(host.PortBindings ?? {}).length > 0) return 'both would need the same host port'
  if (host.PublishAllPorts) return 'its published ports would change'
  if (mode === 'host') return 'both would use the network of the host'
  if (mode.startsWith('container:')) return 'it uses the network of another container'
  if (host.PidMode || host.IpcMode?.startsWith('container:') || host.IpcMode === 'host') return 'it shares a namespace'
  if (host.Devices?.length || host.DeviceRequests?.length) return 'both would need the same device'
  if (writable) return `both could write to what is mounted at ${writable.Destination}`
  if (hasFixedAddress(container)) return 'both would need the same fixed address'
  if (host.Links?.length) return 'it uses links'
  if (isSoughtByProxy(container)) return 'a proxy that reads its settings would send it traffic before it is healthy'
  return null
}

/**
 * nginx-proxy reads the environment and caddy-docker-proxy the labels of every running container; Traefik leaves those out whose
 * health check has not passed.
 */
const isSoughtByProxy = ({ Config: { Env: env, Labels: labels } }: Container): boolean =>
  (env ?? []).some((entry) => proxyVariable.test(entry)) ||
  Object.keys(labels ?? {}).some((name) => /^caddy(_\d+)?(\.|$)/.test(name))

export const proxyVariable = /^VIRTUAL_HOST(_MULTIPORTS)?=./
