import type { TargetModule } from '../target.ts'
import { configSchema, type KubernetesConfig } from './config.ts'
import { versionPattern } from './objects/image-name.ts'
import { open } from './target.ts'

/** Deployments, StatefulSets, DaemonSets and Rollouts of one cluster. */
const kubernetes: TargetModule<KubernetesConfig> = {
  configSchema,
  version: { pattern: versionPattern, says: 'an image tag such as 1.4.2, or a revision such as revision-7' },
  open
}

export default kubernetes as TargetModule
