import { type Container, containerSchema } from '../../src/targets/docker/objects/schemas.ts'

export interface ContainerParts {
  image?: string
  state?: Record<string, unknown>
  labels?: Record<string, string>
  host?: Record<string, unknown>
  created?: string
  mounts?: Record<string, unknown>[]
  config?: Record<string, unknown>
}

const running = { Status: 'running', Running: true, ExitCode: 0 }

/** A container that runs, as the engine shows it, but for the parts given. */
export const containerNamed = (name: string, parts: ContainerParts = {}): Container =>
  containerSchema.parse({
    Id: Buffer.from(name).toString('hex').padEnd(64, '0').slice(0, 64),
    Name: `/${name}`,
    Created: parts.created ?? '2026-03-18T12:00:00Z',
    Image: parts.image ?? 'sha256:new',
    State: parts.state ?? running,
    Config: { Image: 'web:1.2.0', Labels: parts.labels ?? {}, ...parts.config },
    HostConfig: parts.host ?? {},
    NetworkSettings: {},
    Mounts: parts.mounts ?? []
  })

/** The state of a container that ended. */
export const ended = (code: number, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  Status: 'exited',
  Running: false,
  ExitCode: code,
  FinishedAt: '2026-03-18T12:05:00Z',
  ...more
})

export const restart = (name: string): Record<string, unknown> => ({ RestartPolicy: { Name: name } })
export const port = (number: number): Record<string, unknown> => ({
  PortBindings: { '8080/tcp': [{ HostPort: String(number) }] }
})

/** The labels of a Compose service, which waits for others as `depends_on` tells. */
export const composed = (project: string, service: string, dependsOn = ''): Record<string, string> => ({
  'com.docker.compose.project': project,
  'com.docker.compose.service': service,
  'com.docker.compose.depends_on': dependsOn
})
