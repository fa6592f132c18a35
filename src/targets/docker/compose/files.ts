import { basename, isAbsolute, join } from 'node:path'
import { z } from 'zod'
import { readText } from '../../../support/read-text.ts'
import { composeFiles } from '../discover.ts'

/** A Compose file that could be read, as text and as data. */
export interface ComposeFile {
  path: string
  text: string
  /** 1-based line of a service's image, and its value with variables unfilled. */
  image(service: string): { line: number; value: string } | null
  services: string[]
  name: string | null
}

const fileSchema = z.looseObject({
  name: z.string().optional(),
  services: z.record(z.string(), z.looseObject({ image: z.string().optional() }).nullable()).optional()
})

/** Reads the files that exist; those of another machine are passed over. */
export async function readComposeFiles(paths: readonly string[]): Promise<ComposeFile[]> {
  const files = await Promise.all(paths.map(readComposeFile))
  return files.filter((file) => file !== null)
}

/** The Compose file of a project folder: the configured one, else the one that Compose would find. */
export async function projectComposeFiles(
  projectDir: string,
  configured: string | null | undefined
): Promise<ComposeFile[]> {
  if (configured) return readComposeFiles([isAbsolute(configured) ? configured : join(projectDir, configured)])
  for (const name of composeFiles) {
    const file = await readComposeFile(join(projectDir, name))
    if (file) return [file]
  }
  return []
}

async function readComposeFile(path: string): Promise<ComposeFile | null> {
  try {
    const text = await readText(path)
    const { parseDocument, LineCounter, isScalar } = await import('yaml')
    const counter = new LineCounter()
    const document = parseDocument(text, { lineCounter: counter })
    const { name, services = {} } = fileSchema.parse(document.toJS())
    return {
      path,
      text,
      services: Object.keys(services),
      name: name ?? null,
      image(service) {
        const node = document.getIn(['services', service, 'image'], true)
        if (!isScalar(node) || typeof node.value !== 'string' || !node.range) return null
        return { line: counter.linePos(node.range[0]).line, value: node.value }
      }
    }
  } catch {
    return null
  }
}

export const shortPath = (path: string): string => basename(path)
