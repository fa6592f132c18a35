import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { isGone, ownIdentity } from '../../src/project/process-identity.ts'
import { isAlive, isDefunct } from '../../src/support/is-alive.ts'

describe('process identity', () => {
  test('this process is not gone', async () => {
    expect(await isGone(await ownIdentity())).toBe(false)
    expect(isDefunct(process.pid)).toBe(false)
  })

  test.skipIf(process.platform !== 'linux')('a process that ended and was not waited for is gone', async () => {
    const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'])
    try {
      const [line] = (await once(parent.stdout, 'data')) as [Buffer]
      const { host } = await ownIdentity()
      const pid = Number(line.toString())
      while (!isDefunct(pid)) await wait(20)
      expect(() => process.kill(pid, 0)).not.toThrow()
      expect(await isGone({ pid, host, start: '' })).toBe(true)
      expect(isAlive({ pid, host })).toBe(false)
    } finally {
      parent.kill()
    }
  })
})
