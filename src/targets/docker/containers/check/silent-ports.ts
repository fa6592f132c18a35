import type { Check } from '../../../../model/check.ts'
import type { DockerContext } from '../../context.ts'
import type { Container } from '../../objects/schemas.ts'
import { askPort, publishedPorts, viewpointOn } from './published-ports.ts'

/** The label of a replacement with the published ports on which its predecessor did not listen: `9229/tcp,…`, or `down`. */
export const silentPortsLabel = 'popkit.rollback.silent-ports'

const wasDown = 'down'

/** Asks the published ports of a container that is about to be replaced; what is silent now is no failure afterwards. */
export async function silentPortsOf(docker: DockerContext, old: Container, signal: AbortSignal): Promise<string> {
  if (!old.State.Running || old.State.Restarting || old.State.Paused) return wasDown
  const ports = publishedPorts(old)
  if (ports.length === 0) return ''
  const view = await viewpointOn(docker.engine, signal)
  const answers = await Promise.all(ports.map((port) => askPort(port, view, signal)))
  const silent = ports.filter((_, index) => answers[index]?.status === 'fail').map(({ inside }) => inside)
  return [...new Set(silent)].sort().join(',')
}

/** What else is known of a container whose published port does not answer. */
export interface Otherwise {
  /** Another of its published ports answers, or the configured probe passes. */
  reached: boolean
  healthy: boolean
}

/** A port that does not answer is a failure only where it may have answered before. */
export function besideBefore<T extends Pick<Check, 'status' | 'detail'>>(
  answer: T,
  inside: string,
  labels: Container['Config']['Labels'],
  { reached, healthy }: Otherwise
): Pick<Check, 'status' | 'detail'> {
  const before = labels?.[silentPortsLabel] ?? ''
  if (answer.status !== 'fail') return answer
  const proof = reached ? 'the service is reached another way' : 'its health check passes'
  if (before.split(',').includes(inside)) {
    const detail = `${answer.detail}; it did not answer before the rollback either`
    return reached || healthy ? { status: 'pass', detail: `${detail}, and ${proof}` } : { status: 'unknown', detail }
  }
  if (before !== wasDown || !(reached || healthy)) return answer
  const detail = `${answer.detail}; whether it should is unknown, because the container was down before the rollback`
  return { status: reached ? 'pass' : 'unknown', detail: `${detail}, and ${proof}` }
}
