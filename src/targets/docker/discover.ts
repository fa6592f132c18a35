import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readText } from '../../support/read-text.ts'
import { parseYaml, yamlValue } from '../../support/yaml-documents.ts'
import type { Discover, Found } from '../target.ts'
import { isShort } from './objects/reference.ts'

/** The files that Compose looks for, in its order (compose-go, DefaultFileNames). */
export const composeFiles = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml']

const mostBytes = 1_000_000

const composeSchema = z.looseObject({
  services: z.record(
    z.string(),
    z.looseObject({ image: z.string().optional(), build: z.unknown().optional() }).nullable()
  )
})

/** A Compose file that names an image of its own, or a Dockerfile. */
export const discoverDocker: Discover = async (projectDir) => {
  const files: string[] = await readdir(projectDir).catch(() => [])
  const compose = composeFiles.find((name) => files.includes(name))
  if (compose) return fromCompose(projectDir, compose)
  if (!files.includes('Dockerfile')) return null
  const name = imageNameFrom(projectDir)
  return name
    ? { config: { image_name: name }, because: `a Dockerfile is there; the image name is assumed to be ${name}` }
    : null
}

async function fromCompose(projectDir: string, file: string): Promise<Found | null> {
  try {
    const [document] = await parseYaml(await readText(join(projectDir, file), mostBytes))
    const { services } = composeSchema.parse(yamlValue(document))
    const named = Object.values(services).flatMap((service) => {
      const repository = service?.image ? withoutTag(service.image) : null
      return service?.image && repository ? [{ image: service.image, build: service.build, repository }] : []
    })
    const own = theOne(named.filter(({ build }) => build)) ?? theOne(named.filter(isVariable)) ?? theOne(named)
    return own ? { config: { image_name: own.repository }, because: `${file} names the image ${own.image}` } : null
  } catch {
    return null
  }
}

interface Named {
  image: string
  repository: string
}

/** A version that is filled in from outside belongs to what is deployed here, not to a database beside it. */
const isVariable = ({ image }: Named): boolean => /:\$(\{[^{}]*\}|\w+)$/.test(image)

const theOne = <T extends Named>(images: readonly T[]): T | undefined =>
  new Set(images.map(({ repository }) => repository)).size === 1 ? images[0] : undefined

/** `registry/web:${TAG:-1.0}` without what follows the name; null where the name itself is a variable. */
function withoutTag(image: string): string | null {
  if (!isShort(image)) return null
  const name = (image.split('@')[0] ?? '').replace(/:(?:[\w][\w.-]*|\$\{[^{}]*\}|\$\w+)$/, '')
  return name.includes('$') ? null : name
}

const imageNameFrom = (projectDir: string): string | null => {
  const name = (projectDir.split(/[\\/]/).at(-1) ?? '').toLowerCase()
  return /^[a-z0-9]+(?:[._-]+[a-z0-9]+)*$/.test(name) ? name : null
}
