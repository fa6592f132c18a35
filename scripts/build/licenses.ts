import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { root } from './bundling.ts'
import { packageFolder } from './package-of.ts'

interface Package {
  name: string
  version: string
  license: string
  author?: string
  /** The files with its licence and its notices, as they are in the package. */
  texts: string[]
}

/** Licences under which a copy may be passed on with this bundle, if their text comes with it. */
const known = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC-BY-3.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense',
  'WTFPL'
])

const introduction = `The files in this folder contain code of the following packages, each under its own license.
`

/** The licence texts of all packages that the modules belong to. Throws for a package whose licence is missing or not known. */
export async function licenseTexts(moduleIds: Iterable<string>): Promise<string> {
  const folders = new Set([...moduleIds].flatMap((id) => packageFolder(id) ?? []))
  const packages = await Promise.all([...folders].map((folder) => readPackage(resolve(root, folder))))
  const sections = new Set(packages.sort(byNameAndVersion).map(section))
  return [introduction, ...sections].join(`\n${'='.repeat(80)}\n`)
}

async function readPackage(folder: string): Promise<Package> {
  const { name, version, license, licenses, author } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const stated = license ?? licenses?.[0]
  const id: unknown = stated?.type ?? stated
  if (typeof id !== 'string' || !isKnown(id))
    throw new Error(
      `${name} ${version} cannot be bundled: its license is ${id ?? 'not stated'}. Use another package, or add the license to scripts/build/licenses.ts if it allows copies.`
    )
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file)).sort()
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  return {
    name,
    version,
    license: id,
    author: author?.name ?? author,
    texts: texts.map((text) => text.replaceAll('\r\n', '\n').trim())
  }
}

/** Whether one of the alternatives of an SPDX expression is made of known licences only. */
function isKnown(expression: string): boolean {
  const alternatives = expression.replaceAll(/[()]/g, '').split(' OR ')
  return alternatives.some((alternative) => alternative.split(' AND ').every((id) => known.has(id.trim())))
}

const byNameAndVersion = (a: Package, b: Package): number =>
  `${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1

function section({ name, version, license, author, texts }: Package): string {
  const head = [`${name} ${version}`, `License: ${license}`]
  if (texts.length === 0) head.push(`The package holds no license text.${author ? ` Author: ${author}` : ''}`)
  return `${[head.join('\n'), ...texts].join('\n\n')}\n`
}
