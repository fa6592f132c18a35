import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface BackgroundDeploy {
  label: string
  types: string[]
  weak: boolean
  /** Its task may fail although it did not. */
  unsure: boolean
}

interface Remembered {
  told: string[]
  tasks: Record<string, BackgroundDeploy>
}

/** What this session was told already, and which deployments run in its background. */
export interface SessionMemory {
  /** True the first time; a key begins with what it is about, see forgetFailuresOf. */
  firstTime(key: string): boolean
  /** A deployment went well: its next failure is news again. */
  forgetFailuresOf(label: string): void
  rememberTask(id: string, deploy: BackgroundDeploy): void
  task(id: string): BackgroundDeploy | null
}

const keepMs = 7 * 24 * 3_600_000

/** Opens the memory of a session, in the folder that CLAUDE_PLUGIN_DATA names; without one nothing is remembered. */
export function openMemory(sessionId: string, env: NodeJS.ProcessEnv): SessionMemory {
  const folder = env.CLAUDE_PLUGIN_DATA ? join(env.CLAUDE_PLUGIN_DATA, 'sessions') : ''
  const file = folder && /^[\w-]{1,80}$/.test(sessionId) ? join(folder, `${sessionId}.json`) : ''
  const change = (edit: (memory: Remembered) => void): void => {
    if (!file) return
    const memory = read(file)
    const before = JSON.stringify(memory)
    edit(memory)
    if (JSON.stringify(memory) !== before) write(folder, file, memory)
  }
  return {
    firstTime(key) {
      let first = true
      change(({ told }) => {
        first = !told.includes(key)
        if (first) told.push(key)
      })
      return first
    },
    forgetFailuresOf: (label) =>
      change((memory) => {
        memory.told = memory.told.filter((key) => !key.startsWith(`${label}\n`))
      }),
    rememberTask: (id, deploy) =>
      change(({ tasks }) => {
        tasks[id] = deploy
      }),
    task: (id) => read(file).tasks[id] ?? null
  }
}

function read(file: string): Remembered {
  try {
    const found = JSON.parse(readFileSync(file, 'utf8')) as Partial<Remembered>
    return { told: found.told ?? [], tasks: found.tasks ?? {} }
  } catch {
    return { told: [], tasks: {} }
  }
}

function write(folder: string, file: string, memory: Remembered): void {
  try {
    mkdirSync(folder, { recursive: true })
    sweep(folder)
    const staged = `${file}.${process.pid}`
    writeFileSync(staged, JSON.stringify(memory))
    renameSync(staged, file)
  } catch {
    // a line that is said twice is better than one that is not said
  }
}

function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if ((statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) < Date.now() - keepMs) rmSync(path)
  }
}
