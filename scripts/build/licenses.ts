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
  const firstWith = new Map<string, Package>()
  for (const one of packages.sort(byNameAndVersion))
    for (const text of one.texts) if (!firstWith.has(text)) firstWith.set(text, one)
  const sections = new Set(packages.map((one) => section(one, firstWith)))
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

const byNameAndVersion = (a: Package, b: Package): number => (titleOf(a) < titleOf(b) ? -1 : 1)

/** @param firstWith by text: the package under which it is printed. */
function section(one: Package, firstWith: Map<string, Package>): string {
  const { license, author, texts } = one
  const head = [titleOf(one), `License: ${license}`]
  if (texts.length === 0) head.push(`The package holds no license text.${author ? ` Author: ${author}` : ''}`)
  const printed = texts.map((text) => {
    const first = titleOf(firstWith.get(text) ?? one)
    return first === titleOf(one) ? text : `The package holds the text that is printed under ${first}.`
  })
  return `${[head.join('\n'), ...printed].join('\n\n')}\n`
}

const titleOf = ({ name, version }: Package): string => `${name} ${version}`
