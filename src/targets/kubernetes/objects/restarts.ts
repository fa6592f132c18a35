import type { Template } from './objects.ts'
import { templateHash } from './template.ts'

/** Annotations that change so that pods are replaced: by kubectl, OpenShift, Rancher, Reloader, Keel, and in charts. */
const annotation =
  /(^|[./-])(restarted-?at|redeployed-?at|restart|rollme|timestamp|update-time|last-reloaded-from)$|^checksum\//i
/** Variables that do the same: by Reloader, and by hand. */
const reloaded = /^STAKATER_.{1,200}_(CONFIGMAP|SECRET)$/
const variable = /date|time|restart|deploy/i
const moment = /^(\d{10}|\d{13}|\d{4}-\d\d-\d\d.{0,40})$/

function withoutRestarts({ metadata, spec, ...rest }: Template): Template {
  const annotations = Object.entries(metadata?.annotations ?? {}).filter(
    ([name, value]) => !annotation.test(name) && !moment.test(value)
  )
  const { annotations: _, ...others } = metadata ?? {}
  return {
    ...rest,
    metadata: { ...others, ...(annotations.length > 0 && { annotations: Object.fromEntries(annotations) }) },
    spec: {
      ...spec,
      containers: spec.containers.map(({ env, ...container }) => {
        const kept = (env ?? []).filter(
          ({ name, value }) => !reloaded.test(name) && !(variable.test(name) && moment.test(value ?? ''))
        )
        return { ...container, ...(kept.length > 0 && { env: kept }) }
      })
    }
  }
}

/** Whether two templates differ at most by what makes a controller replace the pods. */
export const differByRestart = (a: Template, b: Template): boolean =>
  templateHash(withoutRestarts(a)) === templateHash(withoutRestarts(b))
