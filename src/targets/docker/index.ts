import type { TargetModule } from '../target.ts'
import { configSchema, type DockerConfig } from './config.ts'
import { open } from './docker-target.ts'
import { versionPattern } from './objects/reference.ts'

const docker: TargetModule<DockerConfig> = {
  configSchema,
  version: { pattern: versionPattern, says: 'an image tag such as 1.4.2, or a digest such as sha256:4f53…' },
  canRehearse: true,
  open
}

export default docker as TargetModule
