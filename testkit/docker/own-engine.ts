import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { docker } from './images.ts'
import { createOwnBridge } from './own-bridge.ts'
import { until } from './world.ts'

/** An engine of a test's own, which it may stop and start; containers have no network there. */
export interface OwnEngine {
  host: string
  stop(): Promise<void>
  start(): Promise<void>
  restart(): Promise<void>
  remove(): Promise<void>
}

/**
 * From now on, this process's docker command and its servers mean the new engine.
 * @param diskMb size of a disk of its own for its data, in MiB; unless given, it lies on this machine's.
 */
export async function createOwnEngine({ diskMb }: { diskMb?: number } = {}): Promise<OwnEngine> {
  const dir = await mkdtemp(join(tmpdir(), 'pop-engine-'))
  const data = join(dir, 'data')
  if (diskMb) await mkdir(data)
  if (diskMb) execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskMb}m`, 'tmpfs', data])
  await writeFile(join(dir, 'daemon.json'), '{}')
  const host = `unix://${join(dir, 'socket')}`
  const bridge = createOwnBridge()
  let child: ChildProcess | null = null
  const engine: OwnEngine = {
    host,
    async start() {
      const options = {
        '--config-file': join(dir, 'daemon.json'),
        '--data-root': data,
        '--exec-root': join(dir, 'exec'),
        '--pidfile': join(dir, 'pid'),
        '-H': host,
        '--storage-driver': 'overlay2'
      }
      const flags = [`--bridge=${bridge.name}`, '--iptables=false', '--ip-forward=false', '--ip-masq=false']
      child = spawn('dockerd', [...Object.entries(options).flat(), ...flags], { stdio: 'ignore' })
      await until('the engine', () => docker('version'))
    },
    async stop() {
      const running = child
      child = null
      if (!running || running.exitCode !== null) return
      const ended = new Promise((resolve) => running.once('exit', resolve))
      running.kill('SIGTERM')
      await ended
    },
    async restart() {
      await engine.stop()
      await engine.start()
    },
    async remove() {
      await engine.stop()
      bridge.remove()
      for (const place of await mountedBelow(dir)) execFileSync('umount', ['-l', place])
      await rm(dir, { recursive: true, force: true, maxRetries: 3 })
    }
  }
  process.env.DOCKER_HOST = host
  await engine.start()
  return engine
}

/** An engine may leave layers and network namespaces mounted; the innermost first. */
async function mountedBelow(dir: string): Promise<string[]> {
  const places = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '')
  return places.filter((place) => place.startsWith(`${dir}/`)).reverse()
}
