import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { messagesOf } from '../../src/mcp/stdin.ts'

/** What is passed on of these chunks, and what is refused. */
async function read(...chunks: (string | Buffer)[]) {
  const input = new PassThrough()
  const refused: unknown[] = []
  const passed = text(messagesOf(input, (refusal) => refused.push(refusal)))
  for (const chunk of chunks) if (!input.write(chunk)) await new Promise((resolve) => input.once('drain', resolve))
  input.end()
  const lines = (await passed).split('\n').filter(Boolean)
  return { messages: lines.map((line) => JSON.parse(line)), refused }
}

const ping = '{"jsonrpc":"2.0","id":2,"method":"ping"}\n'
const call = (meta: string): string =>
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","_meta":{"progressToken":${meta}}}}\n`

test('messages pass, in whatever pieces they arrive', async () => {
  const bytes = Buffer.from(`${call('"tök"')}\r\n${ping}`)
  const pieces = Array.from(bytes, (byte) => Buffer.from([byte]))
  const { messages, refused } = await read(...pieces)
  expect(messages).toMatchObject([{ params: { _meta: { progressToken: 'tök' } } }, { id: 2 }])
  expect(refused).toEqual([])
})

test.each(['null', '{}', '[]', 'true', '1.5', '1e308'])(
  'a call with the progress token %s goes without progress',
  async (token) => {
    const { messages, refused } = await read(call(token))
    expect(messages).toEqual([{ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x', _meta: {} } }])
    expect(refused).toEqual([])
  }
)

test('a line that is too long is refused by its id, and the next one counts', async () => {
  const long = `{"jsonrpc":"2.0","id":"one","method":"tools/call","params":{"name":"${'x'.repeat(1_000_000)}`
  const { messages, refused } = await read(long, ...Array<string>(10).fill('y'.repeat(1_000_000)), `"}}\n${ping}`)
  expect(messages).toMatchObject([{ id: 2 }])
  expect(refused).toMatchObject([{ id: 'one', error: { message: expect.stringContaining('longer than') } }])
})

test('input without an end of line is not kept', async () => {
  const input = new PassThrough()
  messagesOf(input, () => undefined).resume()
  const chunk = Buffer.alloc(1_000_000, 'x')
  const before = process.memoryUsage().arrayBuffers
  for (let n = 0; n < 200; n++) if (!input.write(chunk)) await new Promise((resolve) => input.once('drain', resolve))
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(60_000_000)
})

test.each([
  ['not JSON\n', null, 'not valid JSON'],
  [`{"jsonrpc":"2.0","id":1,"method":"ping"`, undefined, ''],
  ['[{"jsonrpc":"2.0","id":1,"method":"ping"}]\n', null, 'Batches'],
  ['{"jsonrpc":"2.0","id":7,"method":5}\n', 7, 'not a JSON-RPC'],
  ['{"jsonrpc":"2.0","id":"a","method":"tools/call","params":[]}\n', 'a', 'not a JSON-RPC'],
  ['{"jsonrpc":"2.0","id":{},"method":"ping"}\n', null, 'not a JSON-RPC'],
  ['null\n', null, 'not a JSON-RPC'],
  ['"\\ud800"\n', null, 'not a JSON-RPC']
])('%j is answered with an error', async (line, id, why) => {
  const { messages, refused } = await read(line)
  expect(messages).toEqual([])
  const answers = id === undefined ? [] : [{ jsonrpc: '2.0', id, error: { message: expect.stringContaining(why) } }]
  expect(refused).toMatchObject(answers)
})
