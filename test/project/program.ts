import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { bundling } from '../../scripts/build.ts'

/** A program of test/project/programs, bundled once, so that many processes of it start quickly. */
export interface Program {
  start(args: string[], env?: Record<string, string>): ChildProcess
  run(args: string[], env?: Record<string, string>): Promise<string>
  remove(): void
}

export async function bundleProgram(name: string): Promise<Program> {
  const dir = mkdtempSync(join(tmpdir(), 'pop-program-'))
  const bundle = await rolldown({
    input: join(import.meta.dirname, 'programs', `${name}.ts`),
    ...bundling,
    logLevel: 'silent'
  })
  const file = join(dir, `${name}.mjs`)
  await bundle.write({ file, format: 'esm', codeSplitting: false })
  await bundle.close()
  const start = (args: string[], env = {}): ChildProcess =>
    spawn(process.execPath, [file, ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  return {
    start,
    run: async (args, env) => {
      const child = start(args, env)
      let output = ''
      let faults = ''
      child.stdout?.on('data', (chunk) => {
        output += chunk
      })
      child.stderr?.on('data', (chunk) => {
        faults += chunk
      })
      const [code] = (await once(child, 'close')) as [number | null]
      if (code !== 0) throw new Error(`${name} ended with ${code}: ${faults}`)
      return output
    },
    remove: () => rmSync(dir, { recursive: true, force: true })
  }
}
