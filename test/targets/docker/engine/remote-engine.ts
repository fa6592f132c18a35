import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { docker } from '../../../../testkit/docker/images.ts'
import { createOwnBridge } from '../../../../testkit/docker/own-bridge.ts'
import { until } from '../../../../testkit/docker/world.ts'

const run = promisify(execFile)

/** A second engine with a data folder and a host name of its own, reached as an engine on another machine is: over TLS and over ssh. */
export interface RemoteEngine {
  unix: string
  tcp: string
  /** ca.pem, cert.pem and key.pem of a client that the engine trusts. */
  certificates: string
  ssh: string
  /** A PATH whose ssh knows the key and the host of this engine, as a user's own configuration does. */
  sshPath: string
  /** The same, but for one thing. */
  sshPathWith(option: string): Promise<string>
  remove(): Promise<void>
}

export async function createRemoteEngine(): Promise<RemoteEngine> {
  const dir = await mkdtemp(join(tmpdir(), 'pop-remote-'))
  const [tlsPort, sshPort] = [await freePort(), await freePort()]
  const unix = `unix://${join(dir, 'engine.sock')}`
  await makeCertificates(dir)
  const bridge = createOwnBridge()
  const engine = await startEngine(dir, unix, tlsPort, bridge.name)
  const sshd = await startSsh(dir, sshPort)
  await until('the engine', () => docker('--host', unix, 'version'))
  const sshPathWith = (option: string) => wrapSsh(dir, option)
  return {
    unix,
    tcp: `tcp://127.0.0.1:${tlsPort}`,
    certificates: join(dir, 'client'),
    ssh: `ssh://root@127.0.0.1:${sshPort}${join(dir, 'engine.sock')}`,
    sshPath: await sshPathWith(''),
    sshPathWith,
    async remove() {
      await Promise.all([ended(engine), ended(sshd)])
      bridge.remove()
      await rm(dir, { recursive: true, force: true, maxRetries: 3 })
    }
  }
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill()
  })

async function startEngine(dir: string, unix: string, tlsPort: number, bridge: string): Promise<ChildProcess> {
  await writeFile(join(dir, 'daemon.json'), '{}')
  const tls = ['--tlsverify', `--tlscacert=${dir}/ca.pem`, `--tlscert=${dir}/server.pem`, `--tlskey=${dir}/server.key`]
  const places = ['config-file=daemon.json', 'data-root=data', 'exec-root=exec', 'pidfile=pid'].map((place) => {
    const [flag, name] = place.split('=')
    return `--${flag}=${join(dir, name ?? '')}`
  })
  const network = [`--bridge=${bridge}`, '--iptables=false', '--ip-forward=false', '--ip-masq=false']
  const hosts = ['-H', unix, '-H', `tcp://127.0.0.1:${tlsPort}`]
  const named = ['--uts', 'sh', '-c', 'hostname far-away && exec dockerd "$@"', 'dockerd']
  return spawn('unshare', [...named, ...places, ...network, ...hosts, ...tls], { stdio: 'ignore' })
}

async function makeCertificates(dir: string): Promise<void> {
  const openssl = (...args: string[]) => run('openssl', args, { cwd: dir })
  await mkdir(join(dir, 'client'))
  const authority = ['-subj', '/CN=test-authority', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-nodes']
  await openssl('req', '-x509', '-newkey', 'rsa:2048', ...authority)
  await writeFile(join(dir, 'names'), 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth')
  await writeFile(join(dir, 'usage'), 'extendedKeyUsage=clientAuth')
  for (const [name, cert, key, extensions] of [
    ['server', 'server.pem', 'server.key', 'names'],
    ['client', 'client/cert.pem', 'client/key.pem', 'usage']
  ] as const) {
    await openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-keyout', key, '-out', `${name}.csr`)
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', extensions]
    await openssl('x509', '-req', '-in', `${name}.csr`, ...signed, '-out', cert)
  }
  await writeFile(join(dir, 'client/ca.pem'), await readFile(join(dir, 'ca.pem')))
}

async function startSsh(dir: string, port: number): Promise<ChildProcess> {
  await mkdir('/run/sshd', { recursive: true })
  for (const name of ['host_key', 'user_key', 'other_key'])
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, name)])
  await writeFile(join(dir, 'authorized_keys'), await readFile(join(dir, 'user_key.pub')))
  const hostKey = (await readFile(join(dir, 'host_key.pub'), 'utf8')).split(' ').slice(0, 2).join(' ')
  await writeFile(join(dir, 'known_hosts'), `[127.0.0.1]:${port} ${hostKey}\n`)
  await writeFile(
    join(dir, 'sshd_config'),
    [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${dir}/host_key`,
      `AuthorizedKeysFile ${dir}/authorized_keys`,
      `PidFile ${dir}/sshd.pid`,
      'PermitRootLogin yes',
      'PasswordAuthentication no',
      'StrictModes no',
      'UsePAM no',
      // Bash reads no start file of this machine's user then: they may do anything, and take long.
      'SetEnv SHLVL=2',
      // As strict with all as the usual 10:30:100 is with some.
      'MaxStartups 6:100:6'
    ].join('\n')
  )
  return spawn('/usr/sbin/sshd', ['-D', '-f', join(dir, 'sshd_config')], { stdio: 'ignore' })
}

/** OpenSSH reads the configuration of the account, not of HOME; a program of the same name before it gives it another one. */
async function wrapSsh(dir: string, option: string): Promise<string> {
  const bin = await mkdtemp(join(dir, 'bin-'))
  const options = option || `IdentityFile=${dir}/user_key`
  const known = option.startsWith('UserKnownHostsFile') ? '' : `-o UserKnownHostsFile=${dir}/known_hosts`
  const identity = option.startsWith('IdentityFile') ? '' : `-o IdentityFile=${dir}/user_key`
  await writeFile(
    join(bin, 'ssh'),
    `#!/bin/sh\nexec /usr/bin/ssh -F none -o IdentitiesOnly=yes ${known} ${identity} -o ${options.replaceAll('DIR', dir)} "$@"\n`
  )
  await chmod(join(bin, 'ssh'), 0o755)
  return `${bin}:${process.env.PATH}`
}
