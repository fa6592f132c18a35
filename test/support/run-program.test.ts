import { expect, test } from 'vitest'
import { runProgram } from '../../src/support/run-program.ts'

const node = (script: string, more: object = {}) =>
  runProgram(process.execPath, ['-e', script], {
    env: { OTHER: 'kept back' },
    variables: { WORD: 'here' },
    limitMs: 10_000,
    ...more
  })

test('a program gets only the variables that it is given, and its input', async () => {
  const script = 'process.stdin.pipe(process.stdout); process.stderr.write(Object.keys(process.env).join())'
  expect(await node(script, { input: 'text' })).toEqual({
    ok: true,
    exitCode: 0,
    stdout: 'text',
    stderr: 'WORD',
    problem: null
  })
})

test('a failing program is a result, with what it said', async () => {
  expect(await node('console.log("out"); console.error("bad"); process.exit(3)')).toMatchObject({
    ok: false,
    exitCode: 3,
    stdout: 'out',
    stderr: 'bad',
    problem: null
  })
})

test('a program that cannot be run, takes too long, says too much or is killed is named as such', async () => {
  const absent = await runProgram('no-such-program-here', [], { env: process.env, limitMs: 1000 })
  expect(absent).toMatchObject({ ok: false, exitCode: null, problem: 'cannot_run' })
  expect(await node('setInterval(() => {}, 1000)', { limitMs: 300 })).toMatchObject({ problem: 'timed_out' })
  const endless = 'const more = () => process.stdout.write("x".repeat(9999), more); more()'
  expect(await node(endless, { maxOutput: 50_000 })).toMatchObject({ problem: 'too_much_output' })
  expect(await node('process.kill(process.pid, "SIGKILL")')).toMatchObject({ problem: 'killed' })
})

test('lines of stderr are told as they come, and an abort ends the program', async () => {
  const lines: string[] = []
  const abort = new AbortController()
  const script = 'console.error("one"); console.error("two"); setInterval(() => {}, 1000)'
  const onErrorLine = (line: string) => {
    lines.push(line)
    if (line === 'two') abort.abort(new Error('enough'))
  }
  await expect(node(script, { signal: abort.signal, onErrorLine })).rejects.toThrow('enough')
  expect(lines).toEqual(['one', 'two'])
})

test('Ctrl-C in a terminal does not reach a program: it has a process group of its own', async () => {
  const { stdout } = await runProgram('cat', ['/proc/self/stat'], { env: process.env, limitMs: 5000 })
  const [pid, , , , group] = stdout.split(' ')
  expect(group).toBe(pid)
})
