import type { Diagnosis, Evidence } from '../../../model/diagnosis.ts'
import { messageOf } from '../../../support/errors.ts'
import { quote, quoteTail } from '../../../support/quote.ts'
import type { DockerContext } from '../context.ts'
import { logLines } from '../objects/logs.ts'
import type { Service } from '../objects/swarm-schemas.ts'
import { findServices } from './find.ts'
import { failureOf, type ObservedService, recentFailures } from './health.ts'
import { observeTasks } from './observe.ts'

const mostCharacters = 8000
const tail = 51

/** Why tasks fail, what the swarm says of its update, and the last lines of the services' logs. */
export async function diagnoseServices(docker: DockerContext, signal: AbortSignal): Promise<Diagnosis> {
  const observed = await observeTasks(docker, await findServices(docker, signal), signal)
  const now = docker.clock.now().getTime()
  return {
    findings: observed.flatMap((one) => findingsOf(docker, one, now)),
    events: observed
      .flatMap(eventsOf)
      .sort((a, b) => a.at.localeCompare(b.at))
      .slice(-40),
    evidence: await Promise.all(observed.map(({ service }) => logs(docker, service, signal)))
  }
}

function findingsOf({ mask }: DockerContext, observed: ObservedService, now: number): string[] {
  const { service } = observed
  const failures = [...new Set(recentFailures(observed, now).map(failureOf))].slice(0, 5)
  const { State, Message } = service.UpdateStatus ?? {}
  return [
    ...failures.map((failure) => `${service.Spec.Name}: ${failure}`),
    ...(State && State !== 'completed'
      ? [`${service.Spec.Name}: its update is ${State}: ${quote(mask, Message ?? '', 200)}`]
      : [])
  ]
}

const eventsOf = ({ service, tasks }: ObservedService): Diagnosis['events'] =>
  tasks
    .filter(({ Status }) => Status.State === 'failed' || Status.State === 'rejected')
    .map((task) => ({
      at: new Date(task.Status.Timestamp).toISOString(),
      text: `${service.Spec.Name}: ${failureOf(task)}`,
      source: `docker service ps ${service.Spec.Name}`
    }))

async function logs({ engine, mask }: DockerContext, { ID, Spec }: Service, signal: AbortSignal): Promise<Evidence> {
  const title = `Last lines of ${Spec.Name}`
  const source = `docker service logs ${Spec.Name}`
  try {
    const bytes = await engine.services.logs(ID, tail, signal)
    const text = logLines(bytes, { hasFrames: true, tail }).trim()
    return { title, source, text: quoteTail(mask, text, mostCharacters) || '(empty)' }
  } catch (error) {
    return { title, source, text: `(cannot be read: ${messageOf(error)})` }
  }
}
