import type { DockerContext } from '../../context.ts'
import type { Container } from '../../objects/schemas.ts'
import { proxiesSaying } from './proxies.ts'
import { proxiesLabel } from './proxy-answers.ts'
import { silentPortsLabel, silentPortsOf } from './silent-ports.ts'

/** Labels that say what answered before a container is replaced; a replacement that is there already has them. */
export async function answersBefore(
  docker: DockerContext,
  old: Container,
  there: Container | null,
  signal: AbortSignal
): Promise<Record<string, string>> {
  const kept = there?.Config.Labels ?? {}
  const [ports, proxies] = await Promise.all([
    kept[silentPortsLabel] ?? silentPortsOf(docker, old, signal),
    kept[proxiesLabel] ?? (docker.config.probe ? '' : proxiesSaying(docker, old, signal))
  ])
  return { [silentPortsLabel]: ports, [proxiesLabel]: proxies }
}
