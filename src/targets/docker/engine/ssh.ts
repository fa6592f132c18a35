import { type ChildProcessByStdio, spawn } from 'node:child_process'
import http from 'node:http'
import { Duplex, type Readable, type Writable } from 'node:stream'
import { ConfigError, messageOf, TargetError } from '../../../support/errors.ts'
import { programEnv } from '../../../support/program-env.ts'
import { runProgram } from '../../../support/run-program.ts'
import { quoted } from '../../../support/text.ts'
import type { Transport } from './transport.ts'
import { notVouchedFor } from './vouched.ts'

interface SshTarget {
  user: string
  host: string
  port: string
  /** The engine's socket on the other machine, where it is not the usual one. */
  socket: string
}

const word = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}$/
const path = /^\/[A-Za-z0-9_./-]{1,200}$/

/**
 * The way to an engine over ssh, as the Docker command goes it: the user's own ssh program runs `docker system dial-stdio` on the
 * other machine, so that the user's ssh configuration, agent and known hosts hold. It never asks for a password.
 * @throws ConfigError when the address is not valid or not trusted.
 */
export async function sshTransport(
  address: string,
  url: URL,
  env: NodeJS.ProcessEnv,
  trusted: boolean
): Promise<Omit<Transport, 'trusted'>> {
  const target = targetOf(address, url)
  if (!trusted) throw notVouchedFor(address)
  const agent = new SshAgent(target, address, env)
  return {
    address,
    publishedHost: await realHost(target.host, env),
    request: { agent, host: 'docker' },
    secure: false,
    close: () => agent.destroy()
  }
}

function targetOf(address: string, url: URL): SshTarget {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const user = decodeURIComponent(url.username)
  const socket = url.pathname === '/' ? '' : url.pathname
  const isHost = word.test(host) || /^[0-9a-f:.]+$/i.test(host)
  if (isHost && (user === '' || word.test(user)) && url.password === '' && (socket === '' || path.test(socket)))
    return { user, host, port: url.port, socket }
  throw new ConfigError({
    what: 'The address of the Docker engine is not valid',
    why: `${address.replace(/:[^:@/]*@/, ':***@').slice(0, 100)} is not ssh://user@host:port without a password`,
    next: 'Correct the address, and let ssh log in with a key or an agent.',
    code: 'engine_address'
  })
}

/** What the user's ssh configuration makes of the name; the name itself where ssh cannot say. */
async function realHost(host: string, env: NodeJS.ProcessEnv): Promise<string> {
  const { ok, stdout } = await runProgram('ssh', ['-G', '--', host], { env, limitMs: 5000 })
  return (ok && /^hostname (\S+)$/m.exec(stdout)?.[1]) || host
}

function sshArguments({ user, host, port, socket }: SshTarget): string[] {
  const engine = socket ? ['docker', '--host', `unix://${socket}`] : ['docker']
  return [
    ...(user ? ['-l', user] : []),
    ...(port ? ['-p', port] : []),
    '-T',
    '-o',
    'BatchMode=yes',
    '-o',
    'ConnectTimeout=15',
    '-o',
    'ForwardAgent=no',
    '-o',
    'ForwardX11=no',
    '-o',
    'ClearAllForwardings=yes',
    '-o',
    'PermitLocalCommand=no',
    '--',
    host,
    ...engine,
    'system',
    'dial-stdio'
  ]
}

/** sshd drops logins at random when ten are under way (sshd_config, MaxStartups). */
const loginsAtOnce = 4
const loginTakesMs = 3000

/** Lets so many log in at once; a login is over when `over` is called, or after a while. */
class Gate {
  #free = loginsAtOnce
  readonly #waiting: (() => void)[] = []

  enter(begin: (over: () => void) => void): void {
    const go = (): void => {
      const over = once(() => {
        clearTimeout(patience)
        const next = this.#waiting.shift()
        if (next) next()
        else this.#free++
      })
      const patience = setTimeout(over, loginTakesMs)
      begin(over)
    }
    if (this.#free === 0) return void this.#waiting.push(go)
    this.#free--
    go()
  }
}

function once(work: () => void): () => void {
  let done = false
  return () => {
    if (done) return
    done = true
    work()
  }
}

class SshAgent extends http.Agent {
  readonly #target: SshTarget
  readonly #address: string
  readonly #gate = new Gate()
  readonly #env: NodeJS.ProcessEnv

  constructor(target: SshTarget, address: string, env: NodeJS.ProcessEnv) {
    super({ keepAlive: true })
    this.#target = target
    this.#address = address
    this.#env = env
  }

  override createConnection(): Duplex {
    return new SshConnection(this.#target, this.#address, this.#env, this.#gate)
  }
}

/**
 * One connection: the pipes of one ssh process, with what Node's HTTP client expects of a socket. It lives as long as the connection
 * and its output is not collected, which is not what `runProgram` is for.
 */
class SshConnection extends Duplex {
  readonly #begin: () => ChildProcessByStdio<Writable, Readable, Readable>
  readonly #address: string
  readonly #gate: Gate
  #child: ChildProcessByStdio<Writable, Readable, Readable> | null = null
  #said = ''

  constructor(target: SshTarget, address: string, env: NodeJS.ProcessEnv, gate: Gate) {
    super()
    this.#begin = () =>
      // Ctrl-C in a terminal goes to the whole process group: it must not end the connection in the middle of a step.
      spawn('ssh', sshArguments(target), {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: programEnv('ssh', env),
        detached: process.platform !== 'win32'
      })
    this.#address = address
    this.#gate = gate
  }

  /** What is written before the program runs is kept by the stream. */
  override _construct(ready: (error?: Error | null) => void): void {
    this.#gate.enter((over) => {
      if (this.destroyed) over()
      else this.#child = this.#start(over)
      ready()
    })
  }

  #start(loggedIn: () => void): ChildProcessByStdio<Writable, Readable, Readable> {
    const child = this.#begin()
    child.stderr.on('data', (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString()).slice(-2000)
    })
    child.stdout.once('data', loggedIn)
    child.stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) child.stdout.pause()
    })
    child.stdin.on('error', () => undefined)
    child.once('error', (error) => this.destroy(sshFailed(this.#address, messageOf(error))))
    child.once('close', (code) => {
      loggedIn()
      if (code === 0 || this.destroyed) this.push(null)
      else this.destroy(sshFailed(this.#address, this.#said || `ssh ended with exit code ${code}`))
    })
    return child
  }

  override _read(): void {
    this.#child?.stdout.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const stdin = this.#child?.stdin
    if (!stdin || stdin.write(chunk)) done()
    else stdin.once('drain', () => done())
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#child?.stdin.end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#child?.kill()
    done(error)
  }

  setKeepAlive(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  setTimeout(): this {
    return this
  }

  ref(): this {
    this.#child?.ref()
    return this
  }

  unref(): this {
    this.#child?.unref()
    return this
  }
}

const causes: [RegExp, string, string][] = [
  [
    /host key verification failed|no [\w.@+-]{1,64} host key is known/i,
    'the host key of the other machine is unknown or has changed',
    'Connect once with ssh in a terminal, compare the key, and accept it.'
  ],
  [
    /permission denied/i,
    'the other machine refused the login',
    'Let ssh log in without a password: an agent, or a key in your ssh configuration.'
  ],
  [/could not resolve/i, 'its name cannot be resolved', 'Correct the address, or your ssh configuration.'],
  [
    /connection refused|timed out|no route/i,
    'no ssh server answers there',
    'Check that the machine is up and reachable.'
  ],
  [
    /docker: (command )?not found|docker: no such file/i,
    'there is no docker program on the other machine',
    'Install it there, or use an engine that listens on TCP with TLS.'
  ],
  [/ENOENT/, 'there is no ssh program on this machine', 'Install OpenSSH here.']
]

function sshFailed(address: string, said: string): TargetError {
  const [, why, next] = causes.find(([pattern]) => pattern.test(said)) ?? [
    null,
    quoted(said, 300),
    'Run ssh in a terminal to see the error.'
  ]
  return new TargetError({
    what: 'The Docker engine cannot be reached over ssh',
    why: `${address}: ${why}${why === quoted(said, 300) ? '' : ` (${quoted(said, 200)})`}`,
    state: 'Unknown: the engine did not answer.',
    next,
    code: 'engine_unreachable',
    retryable: true
  })
}
