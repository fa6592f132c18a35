import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

/** Whether the process of a holder still runs; of one on another machine that cannot be known, and null is the answer. */
export function isAlive({ host, pid }: { host: string; pid: number }): boolean | null {
  if (host !== hostname()) return null
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
  return !isDefunct(pid)
}

/** Whether a process has ended and only waits for its parent to look, as far as the system tells (Linux). */
export function isDefunct(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return /^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2))
  } catch {
    return false
  }
}
