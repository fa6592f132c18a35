import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'

export interface OwnBridge {
  name: string
  remove(): void
}

/**
 * A bridge for a test's own engine. With `--bridge=none`, or with no word on it, a second engine removes or takes over
 * docker0, which belongs to the engine beside it.
 */
export function createOwnBridge(): OwnBridge {
  const random = randomBytes(4)
  const [second, third] = [200 + (random.readUInt8(0) % 50), random.readUInt8(1)]
  const name = `popb${random.toString('hex')}`
  const ip = (...args: string[]) => execFileSync('ip', args, { stdio: 'ignore' })
  ip('link', 'add', name, 'type', 'bridge')
  ip('addr', 'add', `10.${second}.${third}.1/24`, 'dev', name)
  return { name, remove: () => void ip('link', 'del', name) }
}
