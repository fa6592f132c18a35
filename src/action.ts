import { keepHistory, runCommand } from './action/run-action.ts'

process.exitCode = await (process.argv[2] === 'keep' ? keepHistory : runCommand)(process.env)
