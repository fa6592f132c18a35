import type { Release } from '../../../model/release.ts'
import { instant } from '../containers/observe/current-health.ts'
import type { Workload } from '../containers/observe/workload.ts'
import type { DockerContext } from '../context.ts'
import { sourcesOf } from './sources.ts'

/**
 * The release that serves, as one to go back to: with the configuration that it had before the present containers were created. null
 * where no such configuration is known.
 */
export async function withEarlierConfiguration(
  docker: DockerContext,
  release: Release,
  workload: Workload,
  signal: AbortSignal
): Promise<Release | null> {
  const until = workload.containers
    .map(({ Created }) => instant(Created))
    .filter((at) => at !== undefined)
    .sort()
    .at(-1)
  if (until === undefined) return null
  const earlier: Release = { ...release, earlierConfiguration: { until } }
  for (const container of workload.containers)
    if ((await sourcesOf(docker, container, earlier, workload, signal)).length > 0) return earlier
  return null
}
