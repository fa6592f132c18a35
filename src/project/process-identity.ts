import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { isAlive } from '../support/is-alive.ts'

/** Names one process on one machine, so that a number that was given out again is not taken for it. */
interface ProcessIdentity {
  pid: number
  host: string
  /** Boot and start time where the system tells (Linux), else empty. */
  start: string
}

export const ownIdentity = async (): Promise<ProcessIdentity> => ({
  pid: process.pid,
  host: hostname(),
  start: await startOf(process.pid)
})

/** Whether the process is known to be gone. One on another machine never is. */
export async function isGone({ pid, host, start }: ProcessIdentity): Promise<boolean> {
  const alive = isAlive({ pid, host })
  if (alive !== true) return alive === false
  const now = await startOf(pid)
  return start !== '' && now !== '' && start !== now
}

async function startOf(pid: number): Promise<string> {
  try {
    const [boot, stat] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readFile(`/proc/${pid}/stat`, 'utf8')
    ])
    // field 22 of proc_pid_stat(5), counted after the name, which may hold spaces
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    return ticks ? `${boot.trim()}:${ticks}` : ''
  } catch {
    return ''
  }
}
