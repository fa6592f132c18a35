import { execFile } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Terminal {
  /** What is on the screen now. */
  screen(): Promise<string>
  /** Waits until the screen shows it. @throws with the screen when it does not within a minute. */
  shows(what: RegExp): Promise<string>
  type(text: string): Promise<void>
  press(...keys: string[]): Promise<void>
  close(): Promise<void>
}

let count = 0

/** Runs a program on a screen of its own, in a tmux server that nobody else uses. */
export async function terminal(command: string[], cwd: string, env: Record<string, string>): Promise<Terminal> {
  const socket = `pop-${process.pid}-${count++}`
  const tmux = async (...args: string[]) =>
    (await run('tmux', ['-L', socket, '-f', '/dev/null', ...args], { env })).stdout
  await tmux('new-session', '-d', '-x', '140', '-y', '50', '-c', cwd, '--', ...command)
  const screen = () => tmux('capture-pane', '-p')
  return {
    screen,
    async shows(what) {
      const until = Date.now() + 60_000
      for (;;) {
        const seen = await screen()
        if (what.test(seen)) return seen
        if (Date.now() > until) throw new Error(`the screen never showed ${what}:\n${seen}`)
        await wait(100)
      }
    },
    type: async (text) => void (await tmux('send-keys', '-l', text)),
    press: async (...keys) => void (await tmux('send-keys', ...keys)),
    close: async () => void (await tmux('kill-server').catch(() => ''))
  }
}
