import { z } from 'zod'

/** A name of a Kubernetes object (RFC 1123 subdomain; kubernetes.io, "Object Names and IDs"). */
export const objectName = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/

const namespace = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'is not a namespace name')

/** `deployment/web`, or `deployment/shop/web` for one in another namespace. */
const workload = z
  .string()
  .regex(
    /^(deployment|deploy|statefulset|sts|daemonset|ds|rollout|ro)\/([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\/)?[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/,
    'is not a workload such as deployment/web, statefulset/db, daemonset/agent or rollout/web'
  )

/** How a user reaches the service: an address that answers with a good status. */
const probe = z.looseObject({ http: z.url({ protocol: /^https?$/ }), expect_status: z.number().int().optional() })

/** `targets.kubernetes.config` of deploy.json. */
export const configSchema = z.looseObject({
  /** A context of the kubeconfig; else its current one, or the cluster that this runs in. */
  context: z.string().min(1).nullish(),
  namespace: namespace.nullish(),
  workloads: z.array(workload).min(1).nullish(),
  /** A label selector instead, "app=web,tier!=cache"; Deployments, StatefulSets, DaemonSets and Rollouts are looked for. */
  selector: z
    .string()
    .regex(/^[\w./\-=!, ()]+$/, 'is no label selector')
    .nullish(),
  /** The container whose image tag names the version; else the pod's default or first one. */
  container: z.string().regex(objectName).nullish(),
  probe: probe.nullish(),
  /** How long one workload may go without progress; else its own progress deadline. */
  deadline_seconds: z.number().positive().max(3600).nullish(),
  /** How many workloads are rolled back at the same time. */
  max_parallel: z.number().int().min(1).max(100).nullish()
})

export type KubernetesConfig = z.infer<typeof configSchema>
export type Probe = z.infer<typeof probe>
