import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface Verdaccio {
  /** Ends with a slash. */
  url: string
  folder: string
  /** The token of a user who may publish. */
  writer: string
  /** The token of a user who may only read. */
  reader: string
  stop(): Promise<void>
}

/** Runs a private npm registry as a child process on a free loopback port, with its storage in a temporary folder. */
export async function startVerdaccio(): Promise<Verdaccio> {
  const folder = await mkdtemp(join(tmpdir(), 'pop-registry-'))
  const users = { writer: 'writer-password', reader: 'reader-password' }
  await writeFile(join(folder, 'htpasswd'), Object.entries(users).map(passwordLine).join('\n'))
  await writeFile(join(folder, 'config.json'), JSON.stringify(configuration(folder)))
  const child = spawn(process.execPath, ['-e', program, join(folder, 'config.json'), module('verdaccio')], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, NODE_ENV: 'production' },
    stdio: ['pipe', 'pipe', 'inherit']
  })
  const exited = once(child, 'exit')
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const url = await Promise.race([
      addressOf(child.stdout),
      exited.then(() => Promise.reject(new Error('Verdaccio did not start')))
    ])
    const [writer, reader] = await Promise.all([login(url, 'writer', users.writer), login(url, 'reader', users.reader)])
    return { url, folder, writer, reader, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const module = (name: string): string => createRequire(import.meta.url).resolve(name)

/** Ends with whoever started it: its standard input is then closed. */
const program = `
process.stdin.on('end', () => process.exit()).resume()
const [config, verdaccio] = process.argv.slice(-2)
require(verdaccio).runServer(JSON.parse(require('fs').readFileSync(config, 'utf8'))).then((server) => {
  server.listen(0, '127.0.0.1', () => console.log('listening on ' + server.address().port))
})`

const passwordLine = ([user, password]: [string, string]): string =>
  `${user}:{SHA}${createHash('sha1').update(password).digest('base64')}:autocreated`

const configuration = (folder: string): unknown => ({
  self_path: join(folder, 'config.json'),
  storage: join(folder, 'storage'),
  auth: { htpasswd: { file: join(folder, 'htpasswd'), max_users: -1 } },
  uplinks: {},
  packages: {
    '@members/*': { access: '$authenticated', publish: 'writer', unpublish: 'writer' },
    '**': { access: '$all', publish: 'writer', unpublish: 'writer' }
  },
  web: { enable: false },
  userRateLimit: { windowMs: 1000, max: 10000 },
  max_body_size: '20mb',
  log: { type: 'stdout', format: 'json', level: 'fatal' }
})

async function addressOf(stdout: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stdout })) {
    const port = /^listening on (\d+)$/.exec(line)?.[1]
    if (port) {
      stdout.resume()
      return `http://127.0.0.1:${port}/`
    }
  }
  throw new Error('Verdaccio ended without an address')
}

async function login(url: string, name: string, password: string): Promise<string> {
  const response = await fetch(`${url}-/user/org.couchdb.user:${name}`, {
    method: 'PUT',
    headers: {
      'content-type': 'application/json',
      authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
    },
    body: JSON.stringify({ name, password })
  })
  const answer = (await response.json()) as { token?: string }
  if (!answer.token) throw new Error(`Verdaccio let ${name} not log in: ${response.status} ${JSON.stringify(answer)}`)
  return answer.token
}
