import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type OutputChunk, type OutputOptions, type RolldownBuild, rolldown } from 'rolldown'
import { bundling, leavingOut, root } from './build/bundling.ts'
import { chunksByUse, sizeLimit } from './build/chunks.ts'
import { licenseTexts } from './build/licenses.ts'
import { writePlugin } from './build/plugin.ts'

export { bundling }

/**
 * Bundles the server, the command, the hook and the GitHub Action into dist/, in chunks below the size that plugin directories review by hand, and puts
 * the rest of the plugin beside them: dist/ is what a marketplace installs.
 */
export async function build(): Promise<void> {
  await rm(join(root, 'dist'), { recursive: true, force: true })
  const chunks = await write(['server', 'cli'], chunksByUse)
  // the hook runs on every command of a session: like the GitHub Action it is one file that shares nothing with the others
  for (const alone of ['hook', 'action']) chunks.push(...(await write([alone], async () => ({ codeSplitting: false }))))
  await writeFile(join(root, 'dist/THIRD-PARTY-LICENSES.txt'), await licenseTexts(chunks.flatMap(bundledModules)))
  await writePlugin(join(root, 'dist'))
  const large = chunks.filter(({ code }) => Buffer.byteLength(code) > sizeLimit).map(({ fileName }) => fileName)
  if (large.length > 0)
    throw new Error(`Plugin directories hold these files back, they are over 256 KiB: ${large.join(', ')}`)
}

const bundledModules = ({ modules }: OutputChunk): string[] =>
  Object.entries(modules).flatMap(([id, { renderedLength }]) => (renderedLength > 0 ? id : []))

async function write(
  entries: string[],
  split: (bundle: RolldownBuild) => Promise<OutputOptions>
): Promise<OutputChunk[]> {
  const bundle = await rolldown({
    input: Object.fromEntries(entries.map((name) => [name, join(root, `src/${name}.ts`)])),
    ...bundling,
    plugins: leavingOut,
    preserveEntrySignatures: false,
    logLevel: 'warn'
  })
  const { output } = await bundle.write({
    dir: join(root, 'dist'),
    format: 'esm',
    minify: true,
    strictExecutionOrder: true,
    entryFileNames: '[name].mjs',
    comments: false,
    ...(await split(bundle))
  })
  await bundle.close()
  return output.filter((file) => file.type === 'chunk')
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await build()
