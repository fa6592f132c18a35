#!/usr/bin/env node
import { main } from './cli/main.ts'

/** What a shell asks for on the tab key: the words after the program's name, the last one unfinished. */
async function complete(words: readonly string[]): Promise<void> {
  const { completions } = await import('./cli/completion.ts')
  const found = await completions(words, process.env, process.cwd())
  process.stdout.write(found.map((word) => `${word}\n`).join(''))
}

async function printScript(shell = ''): Promise<void> {
  const { completionScripts } = await import('./cli/completion.ts')
  const script = Object.hasOwn(completionScripts, shell) ? completionScripts[shell] : undefined
  if (script) return void process.stdout.write(`${script}\n`)
  process.stderr.write('Pass the name of your shell: pop-deploy-rollback completion bash, zsh or fish.\n')
  process.exitCode = 2
}

const args = process.argv.slice(2)
if (args[0] === 'serve') await import('./server.ts')
else if (args[0] === 'complete') await complete(args.slice(2))
else if (args[0] === 'completion') await printScript(args[1])
else process.exitCode = await main(args, process.env, process.cwd())
