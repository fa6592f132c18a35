import type { Backend } from './backend.ts'
import { linesOfUp, whyMissing } from './docker.ts'

/** A current Docker engine with programs of its own, beside the usual one. */
const dockerCurrent: Backend = {
  name: 'docker-current',
  bring: () => linesOfUp('docker-current.sh').then((env) => ({ env }), whyMissing)
}

export default dockerCurrent
