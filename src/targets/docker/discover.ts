import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { readText } from '../../support/read-text.ts'
import { parseYaml, yamlValue } from '../../support/yaml-documents.ts'
import type { Discover, Found } from '../target.ts'
import { projectName } from './compose/project-name.ts'
import { isShort, parseReference } from './objects/reference.ts'

/** The files that Compose looks for, in its order (compose-go, DefaultFileNames). */
export const composeFiles = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml']

const mostBytes = 1_000_000

const composeSchema = z.looseObject({
  name: z.string().nullish(),
  services: z.record(
    z.string(),
    z
      .looseObject({ image: z.string().optional(), build: z.unknown().optional(), ports: z.unknown().optional() })
      .nullable()
  )
})

/** A Compose file that names an image of its own, or a Dockerfile. */
export const discoverDocker: Discover = async (projectDir, env) => {
  const files: string[] = await readdir(projectDir).catch(() => [])
  const compose = composeFiles.find((name) => files.includes(name))
  if (compose) return fromCompose(projectDir, compose, env)
  if (!files.includes('Dockerfile')) return null
  const name = imageNameFrom(projectDir)
  return name
    ? { config: { image_name: name }, because: `a Dockerfile is there; the image name is assumed to be ${name}` }
    : null
}

async function fromCompose(projectDir: string, file: string, env: NodeJS.ProcessEnv): Promise<Found | null> {
  try {
    const [document] = await parseYaml(await readText(join(projectDir, file), mostBytes))
    const { name, services } = composeSchema.parse(yamlValue(document))
    const project = projectName(name?.includes('$') ? null : name, basename(projectDir), env)
    const named = Object.entries(services).flatMap(([service, its]) => {
      const { image, build, ports } = its ?? {}
      const repository = image ? withoutTag(image) : build ? imageOfBuild(project, service) : null
      return repository ? [{ service, image, build, ports, repository }] : []
    })
    const built = named.filter(({ build }) => build)
    const own =
      theOne(built) ?? theOne(built.filter(({ ports }) => ports)) ?? theOne(named.filter(isVariable)) ?? theOne(named)
    if (!own) return null
    const because = own.image
      ? `${file} names the image ${own.image}`
      : `${file} builds ${own.service}, whose image Compose calls ${own.repository}`
    return { config: { image_name: own.repository }, because }
  } catch {
    return null
  }
}

/** What Compose v2 calls the image of a service without a name for it. */
const imageOfBuild = (project: string, service: string): string | null =>
  parseReference(`${project}-${service}`)?.repository ?? null

interface Named {
  image?: string | undefined
  repository: string
}

/** A version that is filled in from outside belongs to what is deployed here, not to a database beside it. */
const isVariable = ({ image }: Named): boolean => /:\$(\{[^{}]*\}|\w+)$/.test(image ?? '')

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
