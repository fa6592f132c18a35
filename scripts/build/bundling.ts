import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'rolldown'

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

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
      'whatwg-url': false,
      // dockerode's own transport (it is given one), builds, and the sessions of BuildKit: none is used
      'docker-modem': false,
      'tar-fs': false,
      '@balena/dockerignore': false,
      ssh2: false,
      '@grpc/grpc-js': false,
      '@grpc/proto-loader': false,
      protobufjs: false
    }
  }
} as const

const kubernetesLeftOut = 'generated-api-left-out.js'

/**
 * Of the Kubernetes client only the kubeconfig and its logins are used; the classes generated for every resource of the API, which it
 * would hand out besides, are left out.
 */
export const kubernetesModels: Plugin = {
  name: 'kubernetes-models',
  resolveId: (source, importer) =>
    source === './gen/index.js' && importer?.replaceAll('\\', '/').endsWith('/@kubernetes/client-node/dist/config.js')
      ? join(dirname(importer), kubernetesLeftOut)
      : null,
  load: (id) =>
    id.endsWith(kubernetesLeftOut)
      ? "const leftOut = () => { throw new Error('the generated Kubernetes API is not part of this bundle') }; export { leftOut as createConfiguration, leftOut as ServerConfiguration }"
      : null
}

const undiciLeftOut = 'parts-left-out.cjs'

/**
 * Of undici only requests and the proxy agent are used; mocks, caches, interceptors, and what browsers have (fetch, WebSocket, cookies),
 * which its entry hands out besides, are left out.
 */
const undiciParts: Plugin = {
  name: 'undici-parts',
  resolveId: (source, importer) =>
    /^\.\/lib\/(?:mock|cache|interceptor|web)\//.test(source) &&
    importer?.replaceAll('\\', '/').endsWith('/undici/index.js')
      ? join(dirname(importer), undiciLeftOut)
      : null,
  load: (id) =>
    id.endsWith(undiciLeftOut)
      ? // its entry makes one `CacheStorage` as it loads
        'module.exports = new Proxy({}, { get: () => class LeftOutOfThisBundle {} })'
      : null
}

/** What leaves parts of libraries out. */
export const leavingOut = [kubernetesModels, undiciParts]
