import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Backend } from './backend.ts'

const modules = join(import.meta.dirname, '../../test/host/node_modules')

/** The real Claude Code, MCP Inspector and another Node, once `test/backends/host.sh install` has fetched them. */
const host: Backend = {
  name: 'host',
  async bring() {
    const claude = join(modules, `@anthropic-ai/claude-agent-sdk-${process.platform}-${process.arch}/claude`)
    const node = join(modules, 'node/bin/node')
    const inspector = join(modules, '@modelcontextprotocol/inspector/clients/launcher/build/index.js')
    const absent = [claude, node, inspector].filter((file) => !existsSync(file))
    if (absent.length > 0) return { missing: 'test/backends/host.sh install has not been run' }
    if (spawnSync('tmux', ['-V']).status !== 0) return { missing: 'tmux is not installed' }
    return { env: { claude, node, inspector } }
  }
}

export default host
