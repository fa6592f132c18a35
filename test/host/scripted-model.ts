import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a script answers in one turn: words, or one tool call. */
export type Move = { say: string } | { call: string; input: Record<string, unknown> }

/** What the host answered to the last call. */
export interface ToolAnswer {
  text: string
  isError: boolean
}

/** One conversation: yields moves, is given the answer to each call. After its last move it has nothing more to say. */
export type Script = () => Generator<Move, void, ToolAnswer>

export interface ModelRequest {
  system: string
  messages: { role: string; content: string | Block[] }[]
  tools: { name: string; description?: string }[]
}

export interface Block {
  type: string
  text?: string
  content?: string | Block[]
  tool_use_id?: string
  is_error?: boolean
  [key: string]: unknown
}

export interface ScriptedModel {
  url: string
  /** Every request that was answered by a script, oldest first. */
  requests: ModelRequest[]
  /** Requests of the host for its own ends: titles, classifications. */
  asides: ModelRequest[]
  stop(): Promise<void>
}

export interface Scripts {
  main: Script
  /** The conversation of a subagent. */
  subagent?: Script
  /** What the host hears when it asks for its own ends, as auto mode's classifier does. */
  aside?: (request: ModelRequest) => string
}

/**
 * A model that is a script, on a free loopback port: answers `POST /v1/messages` as a stream. The main conversation is told from a
 * subagent's by its tools: only the main one may ask the person.
 */
export async function scriptedModel(scripts: Scripts): Promise<ScriptedModel> {
  const requests: ModelRequest[] = []
  const asides: ModelRequest[] = []
  const running = new Map<Script, Generator<Move, void, ToolAnswer>>()
  const next = (script: Script, request: ModelRequest): Move => {
    const begun = running.get(script)
    const generator = begun ?? script()
    running.set(script, generator)
    const { value } = begun ? generator.next(lastAnswer(request)) : generator.next()
    return value ?? { say: 'Nothing more.' }
  }
  const answer = (request: ModelRequest): Move => {
    if (request.tools.length < 3) {
      asides.push(request)
      return { say: scripts.aside?.(request) ?? 'ok' }
    }
    requests.push(request)
    const isMain = request.tools.some(({ name }) => name === 'AskUserQuestion')
    return next(isMain || !scripts.subagent ? scripts.main : scripts.subagent, request)
  }
  const server = createServer((request, response) => {
    void serve(request, response, answer).catch((error: unknown) => response.destroy(error as Error))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    asides,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (request: ModelRequest) => Move
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  if (request.method !== 'POST' || !request.url?.startsWith('/v1/messages')) {
    response.writeHead(404).end()
    return
  }
  if (request.url.includes('count_tokens')) {
    response.setHeader('content-type', 'application/json')
    response.end('{"input_tokens":1}')
    return
  }
  const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
  const move = answer({
    system: textOf(body.system as string | Block[] | undefined),
    messages: body.messages as ModelRequest['messages'],
    tools: (body.tools ?? []) as ModelRequest['tools']
  })
  if (body.stream !== true) {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(wholeMessage(move)))
    return
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const event of eventsOf(move)) response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
  response.end()
}

let count = 0
const usage = { input_tokens: 10, output_tokens: 10, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }
const emptyMessage = () => ({
  id: `msg_${++count}`,
  type: 'message',
  role: 'assistant',
  model: 'claude-scripted',
  content: [] as unknown[],
  stop_reason: null as string | null,
  stop_sequence: null,
  usage
})

const blockOf = (move: Move) =>
  'say' in move
    ? { type: 'text', text: move.say }
    : { type: 'tool_use', id: `toolu_${++count}`, name: move.call, input: move.input }

const stopReason = (move: Move): string => ('say' in move ? 'end_turn' : 'tool_use')

const wholeMessage = (move: Move) => ({ ...emptyMessage(), content: [blockOf(move)], stop_reason: stopReason(move) })

function eventsOf(move: Move): { type: string; [key: string]: unknown }[] {
  const block = blockOf(move)
  const [start, delta] =
    'say' in move
      ? [
          { type: 'text', text: '' },
          { type: 'text_delta', text: move.say }
        ]
      : [
          { ...block, input: {} },
          { type: 'input_json_delta', partial_json: JSON.stringify(move.input) }
        ]
  return [
    { type: 'message_start', message: emptyMessage() },
    { type: 'content_block_start', index: 0, content_block: start },
    { type: 'content_block_delta', index: 0, delta },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: stopReason(move), stop_sequence: null }, usage },
    { type: 'message_stop' }
  ]
}

/** The result of the newest tool call in a request, with what hooks added beside it. */
function lastAnswer({ messages }: ModelRequest): ToolAnswer {
  const blocks = messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content))
  const result = blocks.findLast(({ type }) => type === 'tool_result')
  return { text: textOf(result?.content), isError: result?.is_error === true }
}

/** All text of a message or a tool result. */
export function textOf(content: string | Block[] | undefined): string {
  if (content === undefined || typeof content === 'string') return content ?? ''
  return content.map((block) => block.text ?? textOf(block.content)).join('\n')
}

/** Everything that a request shows to the model. */
export const shown = ({ messages }: ModelRequest): string => messages.map(({ content }) => textOf(content)).join('\n')
