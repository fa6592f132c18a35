import type { Target, TargetContext, TargetModule } from '../target.ts'
import { configSchema, type DockerConfig } from './config.ts'
import { createDockerTarget } from './docker-target.ts'
import { createEngine } from './engine/client.ts'
import { connect } from './engine/connect.ts'
import { versionPattern } from './objects/reference.ts'

const docker: TargetModule<DockerConfig> = {
  configSchema,
  version: { pattern: versionPattern, says: 'an image tag such as 1.4.2, or a digest such as sha256:4f53…' },
  canRehearse: true,
  async open(context: TargetContext<DockerConfig>): Promise<Target> {
    const transport = await connect(
      { host: context.config.host ?? undefined, context: context.config.docker_context ?? undefined },
      context.env
    )
    return createDockerTarget(context, createEngine(transport))
  }
}

export default docker as TargetModule
