import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { createServer } from './create-server.ts'
import { messagesOf } from './stdin.ts'

const endings = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/**
 * Serves one host over stdin and stdout. Once the host disconnects or ends the server, each running call is cancelled; a rollback in
 * its switch still runs to its end, and the process ends with the last call.
 */
export async function serve(env: NodeJS.ProcessEnv, cwd: string): Promise<void> {
  const { server, idle } = createServer(env, cwd)
  const leave = (): void => void server.close().catch(() => undefined)
  server.onclose = () => void idle().then(() => process.exit(0))
  for (const signal of endings) process.on(signal, leave)
  process.stdin.once('end', leave)
  process.stdout.on('error', leave)
  // The reader is gone.
  process.stderr.on('error', () => undefined)
  const messages = messagesOf(process.stdin, (refusal) => process.stdout.write(`${JSON.stringify(refusal)}\n`))
  await server.connect(new StdioServerTransport(messages, process.stdout, { maxBufferSize: Number.POSITIVE_INFINITY }))
}
