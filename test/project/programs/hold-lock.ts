import { acquireFileLock } from '../../../src/project/file-lock.ts'

/** Takes the lock, says so, and keeps it until it is killed. */
await acquireFileLock(process.argv[2] ?? '', { purpose: 'testing', waitMs: 0 })
process.stdout.write('held\n')
setInterval(() => {}, 1000)
