import { z } from 'zod'
import { tryOutsideJson } from '../../../support/nesting.ts'
import { fullName } from './image-name.ts'
import { marks } from './names.ts'
import type { Template } from './objects.ts'
import type { Revision } from './revision.ts'
import { templateHash } from './template.ts'
import type { Workload } from './workload.ts'

/** Images by digest, by the name of their container. */
export const imagesSchema = z.record(
  z.string().regex(/^[a-z0-9-]{1,63}$/),
  z.string().regex(/^[\w.:/-]{1,255}@sha256:[0-9a-f]{64}$/)
)
export type Images = z.infer<typeof imagesSchema>

const markSchema = z.object({ revision: z.string(), images: imagesSchema })

/** An image without its tag and its digest. */
export const repositoryOf = (image: string): string =>
  (fullName(image).split('@', 1)[0] ?? '').replace(/:[\w][\w.-]{0,127}$/, '')

/** A revision's template whose images are fixed by digest, and that says so; other repositories are not accepted. */
export function pinned({ name, template }: Pick<Revision, 'name' | 'template'>, images: Images): Template {
  const { metadata, spec } = template
  const pin = <C extends { name: string; image: string }>(container: C): C => {
    const image = images[container.name]
    return image && repositoryOf(image) === repositoryOf(container.image) ? { ...container, image } : container
  }
  const annotations = { ...metadata?.annotations, [marks.pinned]: JSON.stringify({ revision: name, images }) }
  return {
    ...template,
    metadata: { ...metadata, annotations },
    spec: {
      ...spec,
      containers: spec.containers.map(pin),
      ...(spec.initContainers && { initContainers: spec.initContainers.map(pin) })
    }
  }
}

/** The revision whose images a workload's present template fixes by digest; undefined if it is none of ours, or was changed since. */
export function pinnedFrom({ object, hash, revisions }: Workload): Revision | undefined {
  const text = object.spec.template.metadata?.annotations?.[marks.pinned]
  const { data: mark } = markSchema.safeParse(tryOutsideJson(text ?? ''))
  const revision = revisions.find(({ name }) => name === mark?.revision)
  return mark && revision && templateHash(pinned(revision, mark.images)) === hash ? revision : undefined
}
