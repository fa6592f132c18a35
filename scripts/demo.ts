import { demo } from './demo/main.ts'

process.exitCode = await demo(process.argv[2] ?? 'npm')
