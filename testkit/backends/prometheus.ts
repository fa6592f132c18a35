import type { Backend } from './backend.ts'
import { linesOfUp, whyMissing } from './docker.ts'

/** The program of a real Prometheus; each test starts its own. */
const prometheus: Backend = {
  name: 'prometheus',
  async bring() {
    try {
      return { env: await linesOfUp('prometheus.sh') }
    } catch (error) {
      return whyMissing(error)
    }
  }
}

export default prometheus
