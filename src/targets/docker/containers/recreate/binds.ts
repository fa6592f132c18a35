import { posix } from 'node:path'
import type { HostConfig } from '../../objects/schemas.ts'

type HostMount = NonNullable<HostConfig['Mounts']>[number]

const propagations = new Set(['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'])
/** What a mount says by itself, or what engines ignore. */
const meaningless = new Set(['', 'rw', 'nocopy', 'consistent', 'cached', 'delegated'])

/**
 * A bind as a mount, which the engine refuses where the source is missing; for a bind it would make an empty directory there. Null for
 * what a mount cannot say: volumes by name, and labels of SELinux (`z`, `Z`).
 */
export function mountOfBind(bind: string): HostMount | null {
  const [source = '', target = '', mode = '', ...more] = bind.split(':')
  if (!source.startsWith('/') || !target.startsWith('/') || more.length > 0) return null
  const options = mode.split(',')
  const propagation = options.find((option) => propagations.has(option))
  if (options.some((option) => option !== 'ro' && option !== propagation && !meaningless.has(option))) return null
  return {
    Type: 'bind',
    Source: posix.normalize(source),
    Target: target,
    ...(options.includes('ro') ? { ReadOnly: true } : {}),
    ...(propagation ? { BindOptions: { Propagation: propagation } } : {})
  }
}

/** The paths of the engine's machine that a container is bound to, each as a mount that says only this. */
export function boundPaths(host: HostConfig): HostMount[] {
  const binds = (host.Binds ?? []).map((bind) => bind.split(':')[0] ?? '').filter((source) => source.startsWith('/'))
  const mounts = (host.Mounts ?? []).filter(({ Type }) => Type === 'bind')
  const sources = new Set([
    ...binds.map((path) => posix.normalize(path)),
    ...mounts.flatMap(({ Source }) => Source ?? [])
  ])
  return [...sources].map((Source, index) => ({ Type: 'bind', Source, Target: `/popkit/${index}`, ReadOnly: true }))
}
