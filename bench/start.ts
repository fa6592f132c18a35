import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { build } from '../scripts/build.ts'
import { inTurns, printRatios } from './support/turns.ts'

/** From spawn to an answered tools/list, and the memory then: our server next to a bundle of the same SDK that offers nothing. */
const root = join(fileURLToPath(new URL('.', import.meta.url)), '..')
const rounds = Number(process.argv[2] ?? 15)

const emptyServer = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { z } from 'zod'
const server = new McpServer({ name: 'empty', version: '1.0.0' })
server.registerTool('nothing', { inputSchema: { word: z.string() } }, () => ({ content: [] }))
await server.connect(new StdioServerTransport())
`

async function bundleEmptyServer(dir: string): Promise<string> {
  const input = join(root, 'bench', '.empty-server.mjs')
  await writeFile(input, emptyServer)
  try {
    const bundle = await rolldown({ input, platform: 'node', cwd: root, logLevel: 'silent' })
    await bundle.write({ dir, format: 'esm', minify: true, entryFileNames: 'empty.mjs' })
    await bundle.close()
  } finally {
    await rm(input)
  }
  return join(dir, 'empty.mjs')
}

interface Start {
  ms: number
  mb: number
}

/** Starts a server, asks for its tools, and measures. */
function start(file: string): Promise<Start> {
  return new Promise((resolve, reject) => {
    const began = performance.now()
    const server = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'ignore'] })
    const send = (message: object): void =>
      void server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
    let buffer = ''
    server.once('error', reject)
    server.stdout.on('data', (chunk: Buffer) => {
      buffer += chunk.toString()
      if (buffer.includes('"id":1') && !buffer.includes('sent')) {
        buffer += 'sent'
        send({ method: 'notifications/initialized' })
        send({ id: 2, method: 'tools/list' })
      }
      if (!buffer.includes('"id":2')) return
      const ms = performance.now() - began
      const mb = residentMb(server.pid ?? 0)
      server.once('exit', () => resolve({ ms, mb }))
      server.kill()
    })
    const clientInfo = { name: 'bench', version: '1' }
    send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo } })
  })
}

const residentMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024

await build()
const dir = await mkdtemp(join(tmpdir(), 'pop-bench-'))
try {
  const memory = new Map<string, number[]>([
    ['pop-deploy-rollback', []],
    ['a bundle that offers nothing', []]
  ])
  const contender = (name: string, file: string) => ({
    name,
    async run() {
      const { ms, mb } = await start(file)
      memory.get(name)?.push(mb)
      return ms
    }
  })
  const ours = contender('pop-deploy-rollback', join(root, 'dist/server.mjs'))
  const empty = contender('a bundle that offers nothing', await bundleEmptyServer(dir))
  printRatios('Start to an answered tools/list', 'ms', await inTurns([ours, empty], rounds))
  printRatios('Memory then', 'MB', memory)
} finally {
  await rm(dir, { recursive: true })
}
