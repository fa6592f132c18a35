#!/usr/bin/env node
import { main } from './cli/main.ts'

const args = process.argv.slice(2)
if (args[0] === 'serve') await import('./server.ts')
else process.exitCode = await main(args, process.env, process.cwd())
