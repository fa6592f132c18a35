import { z } from 'zod'

const updateConfigSchema = z.looseObject({
  Parallelism: z.number().optional(),
  Order: z.string().optional(),
  FailureAction: z.string().optional(),
  /** Nanoseconds. */
  Delay: z.number().optional(),
  Monitor: z.number().optional()
})

/** A service's specification (docs.docker.com/reference/api/engine, Service); everything in it is kept. */
const specSchema = z.looseObject({
  Name: z.string(),
  Labels: z.record(z.string(), z.string()).nullish(),
  TaskTemplate: z.looseObject({
    ContainerSpec: z.looseObject({
      Image: z.string(),
      Env: z.array(z.string()).nullish(),
      Labels: z.record(z.string(), z.string()).nullish(),
      /** Nanoseconds. */
      StopGracePeriod: z.number().nullish()
    })
  }),
  Mode: z.looseObject({
    Replicated: z.looseObject({ Replicas: z.number().optional() }).nullish(),
    Global: z.looseObject({}).nullish()
  }),
  UpdateConfig: updateConfigSchema.nullish(),
  RollbackConfig: updateConfigSchema.nullish()
})

const portSchema = z.looseObject({
  Protocol: z.string().optional(),
  PublishedPort: z.number().optional(),
  PublishMode: z.string().optional()
})

export const serviceSchema = z.looseObject({
  ID: z.string(),
  Version: z.looseObject({ Index: z.number() }),
  CreatedAt: z.string(),
  UpdatedAt: z.string(),
  Spec: specSchema,
  PreviousSpec: specSchema.nullish(),
  Endpoint: z.looseObject({ Ports: z.array(portSchema).nullish() }).nullish(),
  UpdateStatus: z.looseObject({ State: z.string().optional(), Message: z.string().optional() }).nullish()
})

export const taskSchema = z.looseObject({
  ID: z.string(),
  Slot: z.number().optional(),
  NodeID: z.string().optional(),
  CreatedAt: z.string(),
  Spec: z.looseObject({ ContainerSpec: z.looseObject({ Image: z.string() }) }),
  DesiredState: z.string(),
  Status: z.looseObject({
    Timestamp: z.string(),
    State: z.string(),
    Message: z.string().optional(),
    Err: z.string().optional(),
    ContainerStatus: z.looseObject({ ContainerID: z.string().optional(), ExitCode: z.number().optional() }).nullish(),
    PortStatus: z.looseObject({ Ports: z.array(portSchema).nullish() }).nullish()
  })
})

export type Port = z.infer<typeof portSchema>
export type Spec = z.infer<typeof specSchema>
export type Service = z.infer<typeof serviceSchema>
export type Task = z.infer<typeof taskSchema>

export const nodeSchema = z.looseObject({
  ID: z.string(),
  Spec: z.looseObject({ Availability: z.string().optional() }),
  Status: z.looseObject({ State: z.string().optional(), Addr: z.string().optional() })
})
export type SwarmNode = z.infer<typeof nodeSchema>

export const swarmConfigSchema = z.looseObject({
  ID: z.string(),
  Version: z.looseObject({ Index: z.number() }),
  Spec: z.looseObject({
    Name: z.string(),
    Labels: z.record(z.string(), z.string()).nullish(),
    Data: z.string().optional()
  })
})
export type SwarmConfig = z.infer<typeof swarmConfigSchema>
