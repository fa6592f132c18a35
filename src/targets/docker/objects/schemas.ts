import { z } from 'zod'

const strings = z.array(z.string()).nullish()
const map = z.record(z.string(), z.unknown())

const healthcheckSchema = z.looseObject({
  Test: strings,
  Interval: z.number().optional(),
  Timeout: z.number().optional(),
  StartPeriod: z.number().optional(),
  Retries: z.number().optional()
})

/** The part of a configuration that an image has defaults for. */
const defaultsSchema = z.looseObject({
  Env: strings,
  Cmd: strings,
  Entrypoint: strings,
  User: z.string().optional(),
  WorkingDir: z.string().optional(),
  Labels: z.record(z.string(), z.string()).nullish(),
  ExposedPorts: map.nullish(),
  Volumes: map.nullish(),
  Healthcheck: healthcheckSchema.nullish(),
  StopSignal: z.string().optional(),
  Shell: strings
})

const endpointSchema = z.looseObject({
  NetworkID: z.string().optional(),
  Aliases: strings,
  Links: strings,
  IPAMConfig: map.nullish(),
  IPAddress: z.string().optional(),
  DriverOpts: z.record(z.string(), z.string()).nullish(),
  GwPriority: z.number().optional(),
  MacAddress: z.string().optional()
})

const mountSchema = z.looseObject({
  Type: z.string().optional(),
  Name: z.string().optional(),
  Source: z.string().optional(),
  Destination: z.string(),
  Driver: z.string().optional(),
  Mode: z.string().optional(),
  RW: z.boolean().optional()
})

const hostMountSchema = z.looseObject({
  Type: z.string(),
  Source: z.string().optional(),
  Target: z.string(),
  ReadOnly: z.boolean().optional()
})

const portBindingsSchema = z.record(
  z.string(),
  z.array(z.looseObject({ HostIp: z.string().optional(), HostPort: z.string().optional() })).nullable()
)

const hostConfigSchema = z.looseObject({
  NetworkMode: z.string().optional(),
  Binds: strings,
  Mounts: z.array(hostMountSchema).nullish(),
  Tmpfs: z.record(z.string(), z.string()).nullish(),
  VolumesFrom: strings,
  Links: strings,
  ExtraHosts: strings,
  PortBindings: portBindingsSchema.nullish(),
  PublishAllPorts: z.boolean().optional(),
  RestartPolicy: z.looseObject({ Name: z.string().optional(), MaximumRetryCount: z.number().optional() }).nullish(),
  AutoRemove: z.boolean().optional(),
  PidMode: z.string().optional(),
  IpcMode: z.string().optional(),
  Devices: z.array(z.unknown()).nullish(),
  DeviceRequests: z.array(z.unknown()).nullish()
})

const stateSchema = z.looseObject({
  Status: z.string(),
  Running: z.boolean(),
  Paused: z.boolean().optional(),
  Restarting: z.boolean().optional(),
  OOMKilled: z.boolean().optional(),
  ExitCode: z.number().optional(),
  Error: z.string().optional(),
  StartedAt: z.string().optional(),
  FinishedAt: z.string().optional(),
  Health: z
    .looseObject({
      Status: z.string(),
      FailingStreak: z.number().optional(),
      Log: z
        .array(
          z.looseObject({
            Start: z.string().optional(),
            End: z.string().optional(),
            ExitCode: z.number().optional(),
            Output: z.string().optional()
          })
        )
        .nullish()
    })
    .nullish()
})

/** GET /containers/{id}/json, as far as it is read; all else passes through. */
export const containerSchema = z.looseObject({
  Id: z.string(),
  Name: z.string().transform((name) => name.replace(/^\//, '')),
  Created: z.string(),
  Image: z.string(),
  RestartCount: z.number().optional(),
  Platform: z.string().optional(),
  State: stateSchema,
  Config: defaultsSchema.extend({
    Image: z.string(),
    Hostname: z.string().optional(),
    MacAddress: z.string().optional(),
    StopTimeout: z.number().nullish()
  }),
  HostConfig: hostConfigSchema,
  NetworkSettings: z.looseObject({
    Networks: z.record(z.string(), endpointSchema).nullish(),
    Ports: portBindingsSchema.nullish()
  }),
  Mounts: z.array(mountSchema).nullish()
})

/** GET /images/{name}/json, as far as it is read. */
export const imageSchema = z.looseObject({
  Id: z.string(),
  RepoTags: strings,
  RepoDigests: strings,
  Created: z.string().optional(),
  Architecture: z.string().optional(),
  Os: z.string().optional(),
  Variant: z.string().optional(),
  Config: defaultsSchema.nullish()
})

export type Container = z.infer<typeof containerSchema>
export type ContainerConfig = Container['Config']
export type HostConfig = Container['HostConfig']
export type Endpoint = z.infer<typeof endpointSchema>
export type Mount = z.infer<typeof mountSchema>
export type Image = z.infer<typeof imageSchema>
export type ImageDefaults = z.infer<typeof defaultsSchema>
export type Healthcheck = z.infer<typeof healthcheckSchema>

export const containerSummarySchema = z.looseObject({
  Id: z.string(),
  Names: z.array(z.string()).nullish(),
  Image: z.string(),
  ImageID: z.string(),
  State: z.string(),
  /** Seconds since 1970. */
  Created: z.number().optional(),
  Command: z.string().nullish(),
  NetworkSettings: z.looseObject({ Networks: map.nullish() }).nullish(),
  Labels: z.record(z.string(), z.string()).nullish(),
  Ports: z
    .array(z.looseObject({ PublicPort: z.number().optional(), Type: z.string().optional(), IP: z.string().optional() }))
    .nullish(),
  HostConfig: z.looseObject({ NetworkMode: z.string().optional() }).nullish(),
  Mounts: z
    .array(z.looseObject({ Name: z.string().optional(), Source: z.string().optional(), RW: z.boolean().optional() }))
    .nullish()
})
export type ContainerSummary = z.infer<typeof containerSummarySchema>

/** Its own name; a list also tells those by which others link to it, `/shop/db`. */
export const nameOf = ({ Names: names, Id: id }: ContainerSummary): string =>
  names?.map((name) => name.replace(/^\//, '')).find((name) => !name.includes('/')) ?? id

export const imageSummarySchema = z.looseObject({
  Id: z.string(),
  RepoTags: strings,
  RepoDigests: strings,
  Created: z.number().optional(),
  Labels: z.record(z.string(), z.string()).nullish()
})
export type ImageSummary = z.infer<typeof imageSummarySchema>

/** GET /info, as far as it is read. */
export const infoSchema = z.looseObject({
  Name: z.string().optional(),
  SystemTime: z.string().optional(),
  OSType: z.string().optional(),
  Architecture: z.string().optional(),
  DockerRootDir: z.string().optional(),
  Swarm: z.looseObject({ ControlAvailable: z.boolean().optional(), NodeID: z.string().optional() }).nullish()
})
export type Info = z.infer<typeof infoSchema>

/** GET /distribution/{name}/json, as far as it is read. */
export const distributionSchema = z.looseObject({
  Descriptor: z.looseObject({ digest: z.string() }),
  Platforms: z.array(z.looseObject({ os: z.string().optional(), architecture: z.string().optional() })).nullish()
})
export type Distribution = z.infer<typeof distributionSchema>

/** GET /containers/{id}/changes; `Kind` is 0 where the path was changed, 1 where it was added, 2 where it was deleted. */
export const pathChangeSchema = z.looseObject({ Path: z.string(), Kind: z.number() })
export type PathChange = z.infer<typeof pathChangeSchema>
