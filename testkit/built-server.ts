import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { distFile } from './dist.ts'

export interface ServerOptions {
  projectDir: string
  env?: Record<string, string>
  /** How the host's person answers; `none` is a host that cannot ask, `page` one that can only open a page. Default: yes. */
  person?: 'yes' | 'no' | 'unticked' | 'cancel' | 'none' | 'page'
  clientName?: string
  clientVersion?: string
}

// biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever a tool answers
export type Answer = Record<string, any>

export interface BuiltServer {
  client: Client
  pid: number
  /** Calls a tool and gives its structured content; `isError` stands in it where the tool said so. */
  call(tool: string, args?: Record<string, unknown>, options?: CallOptions): Promise<Answer>
  /** Everything the server wrote to stderr so far. */
  stderr(): string
  /** Questions that were put to the person. */
  questions: string[]
  /** kill -9, as an outage does it. */
  kill(): void
  close(): Promise<void>
}

export interface CallOptions {
  onProgress?(message: string): void
  signal?: AbortSignal
}

/** Starts the built server over stdio, as a host would. */
export async function startServer(options: ServerOptions): Promise<BuiltServer> {
  const { projectDir, env = {}, person = 'yes' } = options
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [distFile('server.mjs')],
    cwd: projectDir,
    env: { ...inherited(), CLAUDE_PROJECT_DIR: projectDir, ...env },
    stderr: 'pipe'
  })
  const client = new Client(
    { name: options.clientName ?? 'test-host', version: options.clientVersion ?? '1.0.0' },
    { capabilities: person === 'none' ? {} : { elicitation: person === 'page' ? { url: {} } : {} } }
  )
  const questions: string[] = []
  if (person !== 'none')
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      questions.push(params.message)
      if (person === 'cancel') return { action: 'cancel' }
      if (person === 'unticked') return { action: 'accept', content: { confirm: false } }
      return person === 'yes' ? { action: 'accept', content: { confirm: true } } : { action: 'decline' }
    })
  let stderr = ''
  await client.connect(transport)
  transport.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const pid = transport.pid ?? 0
  return {
    client,
    pid,
    questions,
    stderr: () => stderr,
    async call(tool, args = {}, { onProgress, signal } = {}) {
      const result = await client.callTool({ name: tool, arguments: args }, undefined, {
        timeout: 600_000,
        ...(signal && { signal }),
        ...(onProgress && { onprogress: ({ message }) => onProgress(message ?? '') })
      })
      return { ...(result.structuredContent as Answer), ...(result.isError === true && { isError: true }) }
    },
    kill: () => process.kill(pid, 'SIGKILL'),
    close: () => client.close()
  }
}

/** The environment without what would tie a test to the host it runs under. */
const inherited = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !/^(CLAUDE|MCP_)/.test(entry[0])
    )
  )
