import { duration } from '../../../../support/text.ts'
import type { Run } from '../../../target.ts'
import { jobsAmong } from '../../compose/jobs.ts'
import type { DockerContext } from '../../context.ts'
import { keepLogs } from '../../objects/logs.ts'
import type { Container } from '../../objects/schemas.ts'
import { awaitEnd } from '../check/await-end.ts'
import { awaitHealthy, patienceFor } from '../check/await-healthy.ts'
import { gone } from './actions.ts'
import { ids, names } from './member.ts'
import { findNew, forEachReplacement } from './replacement.ts'

/** Waits until the replacement is healthy. */
export const waitForHealth = forEachReplacement({
  kind: 'await_healthy',
  phase: 'switch',
  beside: false,
  describe: (members) => ({
    id: `healthy:${ids(members)}`,
    title: `Waiting until ${names(members)} ${members.length > 1 ? 'are' : 'is'} healthy`,
    undo: null,
    manualCommands: members.map(({ name }) => `docker inspect --format '{{json .State}}' ${name}`)
  }),
  async apply(docker, params, run) {
    const replacement = await findNew(docker, params, run.signal)
    if (!replacement) throw gone('Health cannot be checked', params.name)
    return { detail: `healthy after ${duration(await awaitHealth(docker, replacement, run))}` }
  }
})

/** While the probe reaches the old version, only the health check says how the new one is. */
export const withoutProbe = (docker: DockerContext): DockerContext => ({
  ...docker,
  config: { ...docker.config, probe: null }
})

/** Waits for health, or for the end of a job; what fails leaves its log among the evidence. */
export async function awaitHealth(docker: DockerContext, container: Container, run: Run): Promise<number> {
  const isJob = jobsAmong(await docker.engine.containers.list(run.signal))(container)
  try {
    const patience = patienceFor(container, docker.config)
    return await (isJob
      ? awaitEnd(docker, container, patience, run)
      : awaitHealthy(docker, container.Id, patience, run))
  } catch (error) {
    const now = await docker.engine.containers.inspect(container.Id, run.signal)
    if (now) await keepLogs(docker, now, run)
    throw error
  }
}
