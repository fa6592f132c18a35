import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { createServer } from './mcp/create-server.ts'

await createServer(process.env, process.cwd()).connect(new StdioServerTransport())
