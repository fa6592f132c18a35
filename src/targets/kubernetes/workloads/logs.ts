import type { Evidence } from '../../../model/diagnosis.ts'
import { messageOf, TargetError } from '../../../support/errors.ts'
import { withLimit } from '../../../support/limit.ts'
import { quoteLine, quoteTail } from '../../../support/quote.ts'
import { isStatus } from '../client/failure.ts'
import type { KubernetesContext } from '../context.ts'
import type { ContainerStatus, Pod } from '../objects/objects.ts'
import { containersOf } from '../objects/pods.ts'

export interface Logs {
  evidence: Evidence[]
  /** Containers whose log could not be read, and why. */
  unread: string[]
}

const lines = 50
const mostBytes = 16_000
const mostCharacters = 4000
const answerWithinMs = 3000
const tries = 3
/** What a kubelet writes in place of a log, as a success or as an error (kubernetes, pkg/kubelet/kuberuntime/kuberuntime_container.go). */
const lostLog = /^unable to retrieve container logs for \S+\s*$/
const noLonger = 'its node no longer has it'
const betweenMs = 300

/** The last lines of each container that failed: before its last restart, and since. */
export async function logsOf(cluster: KubernetesContext, pod: Pod, signal: AbortSignal): Promise<Logs> {
  const wanted = containersOf(pod)
    .filter(hasFailed)
    .flatMap((status) => instancesOf(status).map((previous) => ({ status, previous })))
  const each = await Promise.all(
    wanted.map(({ status, previous }) => logOf(cluster, pod, status.name, previous, signal))
  )
  return { evidence: each.flatMap(({ evidence }) => evidence), unread: each.flatMap(({ unread }) => unread) }
}

/** A container that is not ready, or was ready again only because it was restarted. */
const hasFailed = ({ ready, state, lastState }: ContainerStatus): boolean =>
  endedBadly(lastState) || (!ready && !(state?.terminated && state.terminated.exitCode === 0))

const endedBadly = (state: ContainerStatus['state']): boolean => (state?.terminated?.exitCode ?? 0) !== 0

/** Which instances to read, `true` for the previous one; a container that waits to be started has only that. */
function instancesOf({ state, lastState }: ContainerStatus): boolean[] {
  const before = lastState?.terminated ? [true] : []
  return state?.running || state?.terminated ? [...before, false] : before
}

/** A kubelet removes old containers while new ones start, so a missed log is requested again, of either instance. */
async function logOf(
  { api, clock, mask }: KubernetesContext,
  { metadata: { namespace, name } }: Pod,
  container: string,
  previous: boolean,
  signal: AbortSignal
): Promise<Logs> {
  const of = `${name}, container ${container}`
  let why = ''
  for (let count = 0; count < tries; count++) {
    if (count > 0) await clock.sleep(betweenMs, signal)
    const before = count % 2 === 0 ? previous : !previous
    try {
      const text = await api.text({
        doing: `Reading the log of ${of}`,
        path: `/api/v1/namespaces/${namespace}/pods/${name}/log`,
        query: { container, previous: before, tailLines: lines, limitBytes: mostBytes },
        signal: withLimit(signal, answerWithinMs)
      })
      if (lostLog.test(text)) {
        why = noLonger
        continue
      }
      const title = `Last log of ${of}${before ? ' (before its last restart)' : ''}`
      const said = quoteTail(mask, text, mostCharacters)
      return { evidence: said.trim() ? [{ title, source: 'Kubernetes logs', text: said }] : [], unread: [] }
    } catch (error) {
      signal.throwIfAborted()
      why = /unable to retrieve container logs/.test(messageOf(error))
        ? noLonger
        : quoteLine(mask, messageOf(error), 160)
      if (isStatus(error, 403) || !(error instanceof TargetError)) break
    }
  }
  return { evidence: [], unread: [`The log of ${of} could not be read: ${why}`] }
}
