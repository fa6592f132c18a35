import { startVerdaccio } from '../npm/verdaccio.ts'
import type { Backend } from './backend.ts'

/** A private registry of our own: always there. */
const npm: Backend = {
  name: 'npm',
  async bring() {
    const { url, writer, reader, folder, stop } = await startVerdaccio()
    return { env: { url, writer, reader, folder }, stop }
  }
}

export default npm
