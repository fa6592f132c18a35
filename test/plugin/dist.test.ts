import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { describe, expect, test } from 'vitest'
import { bundling, leavingOut } from '../../scripts/build/bundling.ts'
import { licenseTexts } from '../../scripts/build/licenses.ts'
import { packageOf } from '../../scripts/build/package-of.ts'
import { distFile } from '../../testkit/dist.ts'

const root = join(import.meta.dirname, '../..')
const dist = distFile('')
const built = (await readdir(dist, { recursive: true })).filter((file) => file.endsWith('.mjs'))

/** The packages that the source maps of the same programs name. */
async function packagesInSourceMaps(): Promise<Set<string>> {
  const input = ['server', 'cli', 'hook', 'action'].map((name) => join(root, `src/${name}.ts`))
  const bundle = await rolldown({ input, ...bundling, plugins: leavingOut, logLevel: 'silent' })
  const { output } = await bundle.generate({ format: 'esm', sourcemap: true })
  await bundle.close()
  const sources = output.flatMap((file) => (file.type === 'chunk' ? (file.map?.sources ?? []) : []))
  return new Set(sources.flatMap((source) => packageOf(source) ?? []))
}

/** What is too large for one file has a number for each part. */
const whole = (file: string): string => file.replace(/-\d\.mjs$/, '.mjs')

describe('files of dist', () => {
  test('have names that a reader knows, and are few', () => {
    for (const file of built) expect(file).toMatch(/^(chunks\/)?[a-z]+(-[a-z]+)*(-?\d)?\.mjs$/)
    expect(built.map(whole)).toEqual(expect.arrayContaining(['server.mjs', 'cli.mjs', 'hook.mjs', 'chunks/core.mjs']))
    expect(built.length).toBeLessThan(50)
  })

  test('a start loads what every start needs, and no target', async () => {
    const loaded = new Set(['server.mjs', 'cli.mjs'])
    for (const file of loaded) {
      const text = await readFile(join(dist, file), 'utf8')
      for (const [, name = ''] of text.matchAll(/(?:from|import)\s*["']\.\/(?:chunks\/)?([^"']+)["']/g))
        loaded.add(`chunks/${name}`)
    }
    expect([...new Set([...loaded].map(whole))].sort()).toEqual([
      'chunks/cli-libraries.mjs',
      'chunks/cli.mjs',
      'chunks/core.mjs',
      'chunks/libraries.mjs',
      'chunks/rolldown-runtime.mjs',
      'chunks/server-libraries.mjs',
      'cli.mjs',
      'server.mjs'
    ])
  })
})

describe('the plugin in dist', () => {
  test('starts programs that lie beside its manifests, and has the words of the sources', async () => {
    const json = async (file: string) => JSON.parse(await readFile(join(dist, file), 'utf8'))
    const { hooks } = await json('hooks/hooks.json')
    const handlers = Object.values<{ hooks: { args: string[] }[] }[]>(hooks).flatMap((groups) =>
      groups.flatMap((group) => group.hooks)
    )
    const started = [...handlers, (await json('.mcp.json')).mcpServers.rollback].flatMap(({ args }) => args)
    expect(started).toHaveLength(5)
    for (const file of started) expect(built).toContain(file.replace(`\${CLAUDE_PLUGIN_ROOT}/`, ''))
    for (const file of ['skills/pop-deploy-rollback/SKILL.md', '.claude-plugin/plugin.json'])
      expect(await readFile(join(dist, file), 'utf8')).toBe(await readFile(join(root, file), 'utf8'))
  })

  test('is what the marketplace names', async () => {
    const { plugins } = JSON.parse(await readFile(join(root, '.claude-plugin/marketplace.json'), 'utf8'))
    expect(plugins).toMatchObject([{ source: './dist' }])
  })
})

describe('licenses of what is bundled', () => {
  test('every package in it is named with its version', async () => {
    const texts = await readFile(join(dist, 'THIRD-PARTY-LICENSES.txt'), 'utf8')
    const named = new Set([...texts.matchAll(/^={80}\n(\S+) \d+\.\d+\.\d+\S*\nLicense: \S/gm)].map(([, name]) => name))
    const bundled = await packagesInSourceMaps()
    expect(bundled.size).toBeGreaterThan(80)
    expect([...bundled].filter((name) => !named.has(name))).toEqual([])
  })

  test('one that is not known stops the build', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pop-license-'))
    const module = join(folder, 'node_modules/closed/index.js')
    await mkdir(join(folder, 'node_modules/closed'), { recursive: true })
    const manifest = (license?: string) =>
      writeFile(
        join(folder, 'node_modules/closed/package.json'),
        JSON.stringify({ name: 'closed', version: '1.0.0', license })
      )
    await manifest('SEE LICENSE IN terms.txt')
    await expect(licenseTexts([module])).rejects.toThrow(
      'closed 1.0.0 cannot be bundled: its license is SEE LICENSE IN terms.txt'
    )
    await manifest()
    await expect(licenseTexts([module])).rejects.toThrow('its license is not stated')
    await manifest('(UNKNOWN OR MIT)')
    expect(await licenseTexts([module])).toContain(
      'closed 1.0.0\nLicense: (UNKNOWN OR MIT)\nThe package holds no license text.'
    )
    await rm(folder, { recursive: true })
  })
})
