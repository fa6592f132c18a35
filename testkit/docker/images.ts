import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { chmod, copyFile, mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Runs the docker command; gives what it printed. */
export async function docker(...args: string[]): Promise<string> {
  return (await run('docker', args, { maxBuffer: 1 << 26 })).stdout.trim()
}

/** How a version of the test service behaves. */
export type Mode = 'good' | 'crash' | 'unhealthy' | 'slow' | 'fading'

const program = `#!/bin/sh
# A web service that says its version; MODE is how well it does.
mkdir -p /tmp/www
echo "$VERSION" >/tmp/www/index.html
env >/tmp/www/env
case $MODE in
  crash) echo "FATAL: relation \\"orders\\" does not exist" >&2; exit 3 ;;
  unhealthy) ;;
  slow) (sleep 3; echo ok >/tmp/www/health) & ;;
  fading) echo ok >/tmp/www/health; (sleep 4; rm /tmp/www/health) & ;;
  *) echo ok >/tmp/www/health ;;
esac
trap 'exit 0' TERM
httpd -f -p 8080 -h /tmp/www &
wait
`

let rootfs: Promise<string> | undefined

/** A root file system with busybox and the service, as a tar file. */
const rootfsTar = (): Promise<string> => {
  rootfs ??= (async () => {
    const dir = await mkdtemp(join(tmpdir(), 'pop-rootfs-'))
    const bin = join(dir, 'root/bin')
    await mkdir(bin, { recursive: true })
    await mkdir(join(dir, 'root/tmp'))
    await copyFile('/bin/busybox', join(bin, 'busybox'))
    for (const applet of ['sh', 'httpd', 'wget', 'sleep', 'mkdir', 'env', 'rm', 'cat', 'nc', 'ls', 'id', 'hostname'])
      await symlink('busybox', join(bin, applet))
    await writeFile(join(dir, 'root/serve'), program)
    await chmod(join(dir, 'root/serve'), 0o755)
    await run('tar', ['-C', join(dir, 'root'), '-cf', join(dir, 'root.tar'), '.'])
    process.on('exit', () => rmSync(dir, { recursive: true, force: true }))
    return join(dir, 'root.tar')
  })()
  return rootfs
}

export interface ImageOptions {
  mode?: Mode
  healthcheck?: boolean
  /** Further lines of a Dockerfile: "VOLUME /data". */
  changes?: string[]
}

const made = new Map<string, string>()

export const remember = (id: string, repository: string): void => void made.set(id, repository)

/** The ids of all images that were made for a repository, those without a tag by now too. */
export const imagesMade = (repository: string): string[] =>
  [...made].flatMap(([id, of]) => (of === repository ? [id] : []))

/** Makes `repository:version` of the test service; gives its id. */
export async function makeImage(repository: string, version: string, options: ImageOptions = {}): Promise<string> {
  const { mode = 'good', healthcheck = true, changes = [] } = options
  const check =
    'HEALTHCHECK --interval=300ms --timeout=2s --retries=2 CMD wget -q -O /dev/null http://127.0.0.1:8080/health'
  const lines = [
    `ENV VERSION=${version} MODE=${mode}`,
    'ENV PATH=/bin',
    'CMD ["/serve"]',
    'EXPOSE 8080',
    `LABEL org.opencontainers.image.version=${version}`,
    ...(healthcheck ? [check] : []),
    ...changes
  ]
  const flags = lines.flatMap((line) => ['--change', line])
  await docker('import', ...flags, await rootfsTar(), `${repository}:${version}`)
  const id = await docker('image', 'inspect', '--format', '{{.Id}}', `${repository}:${version}`)
  remember(id, repository)
  return id
}

/** The same for another machine: an image whose configuration names its architecture. */
export async function makeForeignImage(repository: string, version: string, architecture: string): Promise<void> {
  const reference = `${repository}:${version}`
  await makeImage(repository, version)
  const dir = await mkdtemp(join(tmpdir(), 'pop-foreign-'))
  try {
    await docker('save', '-o', join(dir, 'image.tar'), reference)
    await run('tar', ['-C', dir, '-xf', join(dir, 'image.tar')])
    const [{ Config: path }] = JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8'))
    const config = JSON.parse(await readFile(join(dir, path), 'utf8'))
    await writeFile(join(dir, path), JSON.stringify({ ...config, architecture }))
    await run('tar', [
      '-C',
      dir,
      '--exclude=image.tar',
      '-cf',
      join(dir, 'foreign.tar'),
      'manifest.json',
      path,
      ...(await layersIn(dir))
    ])
    await docker('load', '-i', join(dir, 'foreign.tar'))
    remember(await docker('image', 'inspect', '--format', '{{.Id}}', reference), repository)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

async function layersIn(dir: string): Promise<string[]> {
  const [{ Layers: layers }] = JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8'))
  return layers
}
