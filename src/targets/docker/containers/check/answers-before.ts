import type { DockerContext } from '../../context.ts'
import type { Container } from '../../objects/schemas.ts'
import { proxiesSaying } from './proxies.ts'
import { proxiesLabel } from './proxy-answers.ts'
import { silentPortsLabel, silentPortsOf } from './silent-ports.ts'

/** Begins to ask while the rollback still prepares: the answers take a moment. */
export function askBefore(docker: DockerContext, containers: readonly Container[], signal: AbortSignal): void {
  for (const old of containers) {
    const answers = ask(docker, old, signal)
    docker.answersBefore.set(old.Id, answers)
    answers.catch(() => docker.answersBefore.delete(old.Id))
  }
}

/** Labels that say what answered before a container is replaced; a replacement that is there already has it. */
export async function answersBefore(
  docker: DockerContext,
  old: Container,
  there: Container | null,
  signal: AbortSignal
): Promise<Record<string, string>> {
  const { [silentPortsLabel]: ports, [proxiesLabel]: proxies } = there?.Config.Labels ?? {}
  if (ports !== undefined && proxies !== undefined) return { [silentPortsLabel]: ports, [proxiesLabel]: proxies }
  return docker.answersBefore.get(old.Id) ?? ask(docker, old, signal)
}

async function ask(docker: DockerContext, old: Container, signal: AbortSignal): Promise<Record<string, string>> {
  const [ports, proxies] = await Promise.all([
    silentPortsOf(docker, old, signal),
    docker.config.probe ? '' : proxiesSaying(docker, old, signal)
  ])
  return { [silentPortsLabel]: ports, [proxiesLabel]: proxies }
}
