import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { anySignal, withLimit } from '../../src/support/limit.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

test('a limit fires after garbage was collected, also through further signals', async () => {
  const outer = new AbortController().signal
  const signal = anySignal(new AbortController().signal, withLimit(outer, 150))
  const aborted = new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason)))
  for (let count = 0; count < 5; count++) {
    await wait(10)
    collectGarbage()
  }
  expect(await Promise.race([aborted, wait(3000, 'too late')])).toMatchObject({ name: 'TimeoutError' })
})

test('a limited signal gives the reason of the signal that it limits', () => {
  expect(withLimit(AbortSignal.abort('enough'), 1000).reason).toBe('enough')
})

test('no source combines signals in another way', async () => {
  const src = fileURLToPath(new URL('../../src/', import.meta.url))
  const files = (await readdir(src, { recursive: true })).filter((name) => name.endsWith('.ts'))
  const texts = await Promise.all(files.map((name) => readFile(join(src, name), 'utf8')))
  expect(files.filter((_, index) => texts[index]?.includes('AbortSignal.any'))).toEqual(['support/limit.ts'])
})
