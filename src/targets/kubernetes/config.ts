import { z } from 'zod'

/** A name of a Kubernetes object (RFC 1123 subdomain; kubernetes.io, "Object Names and IDs"). */
export const objectName = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/

const namespace = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'is no namespace name')

/** `deployment/web`, or `deployment/shop/web` for one in another namespace. */
export const workload = z
  .string()
  .regex(
    /^(deployment|deploy|statefulset|sts|daemonset|ds|rollout|ro)\/([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\/)?[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/,
    'is no workload such as deployment/web, statefulset/db, daemonset/agent or rollout/web'
  )

/** How a user reaches the service: an address that answers with a good status. */
const probe = z.looseObject({ http: z.url({ protocol: /^https?$/ }), expect_status: z.number().int().optional() })

/** `targets.kubernetes.config` of deploy.json. */
export const configSchema = z.looseObject({
  context: z
    .string()
    .min(1)
    .nullish()
    .describe('Context of the kubeconfig. Default: its current one, or the cluster that this runs in'),
  namespace: namespace.nullish(),
  workloads: z.array(workload).min(1).nullish(),
  selector: z
    .string()
    .regex(/^[\w./\-=!, ()]+$/, 'is not a label selector')
    .nullish()
    .describe('Label selector to find the workloads by, instead of `workloads`: app=web,tier!=cache'),
  container: z
    .string()
    .regex(objectName)
    .nullish()
    .describe("Container whose image tag is the version. Default: the pod's default container, or its first"),
  probe: probe.nullish(),
  deadline_seconds: z
    .number()
    .positive()
    .max(3600)
    .nullish()
    .describe('How long a workload may go without progress. Default: its own progress deadline'),
  rehearse: z
    .boolean()
    .nullish()
    .describe(
      'Whether one pod of the candidate must become ready beside what serves, without traffic, before anything is changed. Default: only where every pod stops first (Recreate)'
    ),
  max_parallel: z.number().int().min(1).max(100).nullish().describe('How many workloads roll back at the same time')
})

export type KubernetesConfig = z.infer<typeof configSchema>
export type Probe = z.infer<typeof probe>
