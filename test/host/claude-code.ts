import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type ModelRequest, type Scripts, scriptedModel } from './scripted-model.ts'

const root = join(import.meta.dirname, '../..')

export interface Prompted {
  tool: string
  input: Record<string, unknown>
}

/** What the person behind the host says to a prompt: yes, no, or the answers to questions. */
export type Answering = (prompt: Prompted) => Said | Promise<Said>

type Said = boolean | Record<string, string>

export interface SessionOptions {
  prompt: string
  projectDir: string
  scripts: Scripts
  person: Answering
  env?: Record<string, string>
  /** An empty one is made, and removed, when none is given. */
  home?: string
  pluginDir?: string
  more?: Record<string, unknown>
  /** Aborting it ends the host as closing its window does. */
  signal?: AbortController
  onMessage?(message: Message): void | Promise<void>
}

// biome-ignore lint/suspicious/noExplicitAny: the messages of another program, looked into by tests
export type Message = Record<string, any>

export interface Session {
  messages: Message[]
  /** Every prompt that reached the person: permissions and questions. */
  prompts: Prompted[]
  /** What the model was shown, request by request. */
  requests: ModelRequest[]
  asides: ModelRequest[]
  /** Tools that the model called, in order, without the host's name for the server. */
  calls: { tool: string; input: Record<string, unknown>; result: string; isError: boolean }[]
  stderr: string
  sessionId: string
}

type Query = (options: { prompt: unknown; options: Record<string, unknown> }) => AsyncIterable<Message>

/** The name a tool of ours has in the host. */
export const hosted = (tool: string): string => `mcp__plugin_popkit-ops_rollback__${tool}`

/** One session of the real Claude Code with this plugin; only the model is a script. */
export async function session(options: SessionOptions): Promise<Session> {
  const home = options.home ?? (await mkdtemp(join(tmpdir(), 'pop-home-')))
  const model = await scriptedModel(options.scripts)
  const seen: Session = {
    messages: [],
    prompts: [],
    requests: model.requests,
    asides: model.asides,
    calls: [],
    stderr: '',
    sessionId: ''
  }
  try {
    const query = await agentSdk()
    for await (const message of query({ prompt: options.prompt, options: settings(options, home, model.url, seen) })) {
      seen.messages.push(message)
      if (message.session_id) seen.sessionId = message.session_id
      await options.onMessage?.(message)
    }
  } catch (error) {
    if (!options.signal?.signal.aborted) throw new Error(`${String(error)}\n${seen.stderr}`)
  } finally {
    await model.stop()
    if (!options.home) await rm(home, { recursive: true, force: true, maxRetries: 5 })
  }
  seen.calls = callsIn(seen.messages)
  return seen
}

const settings = (options: SessionOptions, home: string, modelUrl: string, seen: Session): Record<string, unknown> => ({
  cwd: options.projectDir,
  plugins: [{ type: 'local', path: options.pluginDir ?? root }],
  permissionMode: 'default',
  env: hostEnv(home, modelUrl, options.env),
  stderr: (text: string) => {
    seen.stderr += text
  },
  ...(options.signal && { abortController: options.signal }),
  canUseTool: async (tool: string, input: Record<string, unknown>) => {
    seen.prompts.push({ tool, input })
    const answer = await options.person({ tool, input })
    if (answer === false) return { behavior: 'deny', message: 'The person said no.' }
    return { behavior: 'allow', updatedInput: answer === true ? input : { ...input, answers: answer } }
  },
  ...options.more
})

/** The environment of the host: its own home, the scripted model, nothing of a host that the tests themselves run under. */
export function hostEnv(home: string, modelUrl: string, more: Record<string, string> = {}): Record<string, string> {
  const own = Object.entries(process.env).filter(([name]) => !/^(CLAUDE|ANTHROPIC|MCP_|npm_|VITEST|NODE_)/.test(name))
  return {
    ...Object.fromEntries(own as [string, string][]),
    HOME: home,
    ANTHROPIC_BASE_URL: modelUrl,
    ANTHROPIC_API_KEY: 'any-word',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    ...more
  }
}

async function agentSdk(): Promise<Query> {
  const file = join(import.meta.dirname, 'node_modules/@anthropic-ai/claude-agent-sdk/sdk.mjs')
  return ((await import(pathToFileURL(file).href)) as { query: Query }).query
}

function callsIn(messages: Message[]): Session['calls'] {
  const blocks = messages.flatMap(({ message }) =>
    Array.isArray(message?.content) ? (message.content as Message[]) : []
  )
  return blocks
    .filter(({ type }) => type === 'tool_use')
    .map(({ id, name, input }) => {
      const result = blocks.find((block) => block.type === 'tool_result' && block.tool_use_id === id)
      const text = typeof result?.content === 'string' ? result.content : JSON.stringify(result?.content ?? '')
      return { tool: (name as string).replace(hosted(''), ''), input, result: text, isError: result?.is_error === true }
    })
}
