import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { docker, remember } from './images.ts'

const run = promisify(execFile)

/** As people put it before replicas: it asks the network's own name server, and another replica when one does not answer. */
const resolvesAnew = (upstream: string): string => `
      set $upstream ${upstream};
      proxy_pass http://$upstream;
      proxy_connect_timeout 500ms;
      proxy_next_upstream error timeout;`

/** As everybody writes it first: nginx resolves the name once. */
export const remembers = (upstream: string): string => `
      proxy_pass http://${upstream};
      proxy_connect_timeout 500ms;`

const configuration = (location: string): string => `
daemon off;
error_log stderr;
pid /tmp/nginx.pid;
events {}
http {
  access_log off;
  client_body_temp_path /tmp/a; proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e;
  resolver 127.0.0.11 valid=1s;
  server {
    listen 8080;
    location / {${location}
    }
  }
}
`

/** Makes an image of nginx from this machine's own program and libraries, in front of `upstream`; `location` is how it passes on. */
export async function makeProxyImage(
  nginx: string,
  reference: string,
  upstream: string,
  location = resolvesAnew
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'pop-proxy-'))
  const root = join(dir, 'root')
  const into = async (path: string): Promise<void> => {
    await mkdir(join(root, dirname(path)), { recursive: true })
    await copyFile(path, join(root, path))
  }
  try {
    const { stdout } = await run('ldd', [nginx])
    for (const path of stdout.match(/\/\S+\.so\S*/g) ?? []) await into(path)
    for (const folder of ['tmp', 'etc', 'var/log/nginx', 'usr/share/nginx'])
      await mkdir(join(root, folder), { recursive: true })
    await copyFile(nginx, join(root, 'nginx'))
    await writeFile(join(root, 'etc/passwd'), 'root:x:0:0::/:/nginx\nnobody:x:65534:65534::/:/nginx\n')
    await writeFile(join(root, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n')
    await writeFile(join(root, 'nginx.conf'), configuration(location(upstream)))
    await run('tar', ['-C', root, '-cf', join(dir, 'root.tar'), '.'])
    await docker('import', '--change', 'CMD ["/nginx","-c","/nginx.conf"]', join(dir, 'root.tar'), reference)
    remember(
      await docker('image', 'inspect', '--format', '{{.Id}}', reference),
      reference.slice(0, reference.lastIndexOf(':'))
    )
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}
