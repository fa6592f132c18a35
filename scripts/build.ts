import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type OutputOptions, rolldown } from 'rolldown'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** How any program of this repository is bundled. */
export const bundling = {
  platform: 'node',
  cwd: root,
  resolve: {
    alias: {
      // its CommonJS build requires its own files in a way that no bundler follows
      'jsonc-parser': join(root, 'node_modules/jsonc-parser/lib/esm/main.js'),
      // an optional dependency of npm's client, for character sets that no registry answers in
      'iconv-lite': false
    }
  }
} as const

/** Bundles the server, the command and the hook into dist/, in chunks below the size that plugin directories review by hand. */
export async function build(): Promise<void> {
  await rm(join(root, 'dist'), { recursive: true, force: true })
  const groups = [{ name: 'shared', test: /node_modules/, maxSize: 230_000, entriesAware: true }]
  await write({ server: join(root, 'src/server.ts'), cli: join(root, 'src/cli.ts') }, { minSize: 0, groups })
  // runs on every command of a session, so it is one file that shares nothing with the others
  await write({ hook: join(root, 'src/hook.ts') }, false)
}

async function write(input: Record<string, string>, codeSplitting: OutputOptions['codeSplitting']): Promise<void> {
  const bundle = await rolldown({ input, ...bundling, logLevel: 'warn' })
  await bundle.write({
    dir: join(root, 'dist'),
    format: 'esm',
    minify: true,
    strictExecutionOrder: true,
    codeSplitting,
    entryFileNames: '[name].mjs',
    chunkFileNames: 'chunks/[name]-[hash].mjs',
    comments: false
  })
  await bundle.close()
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await build()
