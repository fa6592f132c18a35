import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type OutputOptions, type Plugin, rolldown } from 'rolldown'

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
      'iconv-lite': false,
      // a URL class for Node versions that have none
      'whatwg-url': false
    }
  }
} as const

/**
 * Of the Kubernetes client only the kubeconfig and its logins are used; the classes generated for every resource of the API, which it
 * would hand out besides, are left out.
 */
const kubernetesModels: Plugin = {
  name: 'kubernetes-models',
  resolveId: (source, importer) =>
    source === './gen/index.js' && importer?.replaceAll('\\', '/').endsWith('/@kubernetes/client-node/dist/config.js')
      ? 'kubernetes-models'
      : null,
  load: (id) =>
    id === 'kubernetes-models'
      ? "const leftOut = () => { throw new Error('the generated Kubernetes API is not part of this bundle') }; export { leftOut as createConfiguration, leftOut as ServerConfiguration }"
      : null
}

/**
 * Libraries are spread over a fixed number of chunks by a hash of each module's path below node_modules: a bundler's own splitting by
 * size depends on where the repository lies, and the committed bundle must come out the same everywhere.
 */
const spread = (name: string, chunks: number) => (id: string) => {
  const path = id.slice(id.lastIndexOf('node_modules/')).replaceAll('\\', '/')
  return `${name}${createHash('sha256').update(path).digest().readUInt16BE(0) % chunks}`
}

const groups = [
  // small modules that many parts share, each part of them one chunk
  {
    name: 'common',
    test: /[\\/]src[\\/](support|model|targets[\\/]([^\\/]+|[^\\/]+[\\/]discover)\.ts)/,
    includeDependenciesRecursively: false
  },
  { name: 'http', test: /[\\/]src[\\/]http[\\/]/, includeDependenciesRecursively: false },
  {
    name: spread('shared', 4),
    debugName: 'shared',
    test: /node_modules/,
    entriesAware: true,
    includeDependenciesRecursively: false
  }
]

/** Bundles the server, the command and the hook into dist/, in chunks below the size that plugin directories review by hand. */
export async function build(): Promise<void> {
  await rm(join(root, 'dist'), { recursive: true, force: true })
  await write({ server: join(root, 'src/server.ts'), cli: join(root, 'src/cli.ts') }, { minSize: 0, groups })
  // runs on every command of a session, so it is one file that shares nothing with the others
  await write({ hook: join(root, 'src/hook.ts') }, false)
}

async function write(input: Record<string, string>, codeSplitting: OutputOptions['codeSplitting']): Promise<void> {
  const bundle = await rolldown({
    input,
    ...bundling,
    plugins: [kubernetesModels],
    preserveEntrySignatures: false,
    logLevel: 'warn'
  })
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
