import { type Readable, Transform } from 'node:stream'
import { ErrorCode, JSONRPCMessageSchema } from '@modelcontextprotocol/sdk/types.js'

/** More than any host sends; the longest arguments are some ten thousand characters. */
const longestLine = 10_000_000

/** An answer to what is no request: it names the id where one can be told. */
interface Refusal {
  jsonrpc: '2.0'
  id: string | number | null
  error: { code: number; message: string }
}

/**
 * Takes the input of an MCP server over stdio (one message a line) and gives what of it are messages. The transport of the SDK ends
 * the server at a long line, and drops without a word what its schema turns down; here each of these is refused, and the next line counts.
 */
export function messagesOf(input: Readable, refuse: (refusal: Refusal) => void): Readable {
  let parts: Buffer[] = []
  let length = 0
  const endLine = (line: Buffer): string => {
    const whole = Buffer.concat([...parts, line])
    const tooLong = length + line.length > longestLine
    parts = []
    length = 0
    if (!tooLong) return checkedLine(whole.toString('utf8'), refuse)
    refuse(refusal(idAtFirst(whole), ErrorCode.InvalidRequest, `The message is longer than ${longestLine} bytes`))
    return ''
  }
  const messages = new Transform({
    transform(chunk: Buffer, _, done) {
      let from = 0
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
        const message = endLine(chunk.subarray(from, end))
        if (message) this.push(`${message}\n`)
        from = end + 1
      }
      const rest = chunk.subarray(from)
      length += rest.length
      // of a line that is too long only its beginning is kept, for the id
      if (length <= longestLine || parts.length === 0) parts.push(rest)
      else parts = [Buffer.concat(parts).subarray(0, 1000)]
      done()
    }
  })
  return input.pipe(messages)
}

function checkedLine(line: string, refuse: (refusal: Refusal) => void): string {
  if (line.trim() === '') return ''
  const value = parsed(line)
  if (value === undefined) {
    refuse(refusal(null, ErrorCode.ParseError, 'The message is not valid JSON'))
    return ''
  }
  const message = withoutOddToken(value)
  const { success, error } = JSONRPCMessageSchema.safeParse(message)
  if (success) return JSON.stringify(message)
  const { id } = (value ?? {}) as { id?: unknown }
  const known = typeof id === 'string' || typeof id === 'number' ? id : null
  const where = error.issues[0]?.path.join('.').slice(0, 100)
  const what = Array.isArray(value) ? 'Batches are not supported' : 'The message is not a JSON-RPC 2.0 message of MCP'
  refuse(refusal(known, ErrorCode.InvalidRequest, where ? `${what} (${where})` : what))
  return ''
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** A token that the SDK does not know costs the call its progress, not its answer. */
function withoutOddToken(value: unknown): unknown {
  const { params } = (value ?? {}) as { params?: { _meta?: { progressToken?: unknown } } }
  const meta = params?._meta
  if (!meta || typeof meta !== 'object' || !('progressToken' in meta)) return value
  const { progressToken: token, ...rest } = meta
  if (typeof token === 'string' || Number.isSafeInteger(token)) return value
  return { ...(value as object), params: { ...params, _meta: rest } }
}

function idAtFirst(line: Buffer): string | number | null {
  const id = /^\s{0,9}\{(?:"jsonrpc":\s?"2\.0",\s?)?"id":\s?(-?\d{1,15}|"[^"\\]{0,100}")[,}]/.exec(
    line.toString('utf8', 0, 1000)
  )
  return id ? (JSON.parse(id[1] ?? 'null') as string | number) : null
}

const refusal = (id: Refusal['id'], code: number, message: string): Refusal => ({
  jsonrpc: '2.0',
  id,
  error: { code, message }
})
