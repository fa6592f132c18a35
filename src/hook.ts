import { readFileSync } from 'node:fs'
import { answerTo } from './hooks/answer-to.ts'

// a fault of this hook must not disturb anyone in an outage
process.on('uncaughtException', () => process.exit(0))
try {
  const answer = answerTo(readFileSync(0, 'utf8'), process.env, new Date())
  if (answer) process.stdout.write(answer)
} catch {
  process.exitCode = 0
}
