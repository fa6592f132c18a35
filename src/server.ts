import { serve } from './mcp/serve.ts'

await serve(process.env, process.cwd())
