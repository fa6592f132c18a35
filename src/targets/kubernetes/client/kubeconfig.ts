import { existsSync } from 'node:fs'
import { basename, delimiter, dirname, join, resolve } from 'node:path'
import type { Cluster, Context, KubeConfig, User } from '@kubernetes/client-node'
import { z } from 'zod'
import { ConfigError, messageOf } from '../../../support/errors.ts'
import type { Mask } from '../../../support/mask.ts'
import { readText } from '../../../support/read-text.ts'
import { parseYaml, UnsafeYaml, yamlValue } from '../../../support/yaml-documents.ts'
import { proxyFor } from './proxy.ts'

/** A kubeconfig as it was read, with the chosen context. */
export interface Kubeconfig {
  config: Pick<KubeConfig, 'applyToHTTPSOptions' | 'users'>
  cluster: Cluster
  context: Context
  user: User | null
  /** Requests go through a proxy: that of the kubeconfig, otherwise that of the environment. */
  behindProxy: boolean
  /** The files that it was read from; none inside a cluster. */
  files: string[]
}

const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount/token'

/**
 * Finds the cluster as kubectl does: KUBECONFIG (a list of files), ~/.kube/config, otherwise the cluster that this runs in. Its
 * secrets are masked from then on.
 * @throws ConfigError when there is none, or no such context.
 */
export async function readKubeconfig(
  wanted: { context?: string | undefined },
  env: NodeJS.ProcessEnv,
  mask: Mask
): Promise<Kubeconfig> {
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js')
  const config = new KubeConfig()
  const home = join(env.HOME ?? env.USERPROFILE ?? '/', '.kube/config')
  const files = (env.KUBECONFIG ? env.KUBECONFIG.split(delimiter) : [home]).filter((file) => file && existsSync(file))
  try {
    config.loadFromOptions({ clusters: [], users: [], contexts: [], currentContext: '' })
    for (const file of files) {
      // The client reads it with a parser of its own, which an empty one breaks.
      if (!(await readYamlFile(file))) continue
      const next = new KubeConfig()
      next.loadFromFile(file)
      merge(config, next)
    }
    if (files.length === 0) {
      if (!existsSync(serviceAccount) || !process.env.KUBERNETES_SERVICE_HOST)
        throw new Error(`${env.KUBECONFIG ?? home} does not exist, and this does not run in a cluster`)
      config.loadFromCluster()
    }
  } catch (error) {
    // After the first line comes a part of the file, which may contain a token.
    throw unusable(messageOf(error).split('\n')[0] ?? '')
  }
  if (wanted.context) config.setCurrentContext(wanted.context)
  const context = config.getContextObject(config.getCurrentContext())
  const cluster = config.getCurrentCluster()
  if (!context || !cluster) {
    const contexts = config.getContexts().map(({ name }) => name)
    throw unusable(
      `it has no usable context "${config.getCurrentContext() ?? ''}"; its contexts are ${contexts.join(', ') || 'none'}`
    )
  }
  if (!URL.canParse(cluster.server)) throw unusable(`the server of its cluster ${cluster.name} is not an address`)
  const proxy = cluster.proxyUrl ?? proxyFor(new URL(cluster.server), env)
  if (proxy) config.clusters = [{ ...cluster, proxyUrl: proxy }]
  const user = await withPaths(config.getCurrentUser(), files)
  if (user?.authProvider?.config?.['cmd-path'])
    throw unusable(
      `its user ${user.name} logs in by the program of an auth-provider, which kubectl does not run since version 1.26; use an exec plugin`
    )
  if (user) config.users = [user]
  hideCredentials(user, mask)
  return { config, cluster, context, user, files, behindProxy: proxy !== undefined }
}

/** Of what several files name alike, the first counts (kubernetes.io, "Merging kubeconfig files"). */
function merge(config: KubeConfig, next: KubeConfig): void {
  const added = <T extends { name: string }>(kept: readonly T[], more: readonly T[]): T[] => [
    ...kept,
    ...more.filter(({ name }) => !kept.some((one) => one.name === name))
  ]
  config.clusters = added(config.clusters, next.clusters)
  config.users = added(config.users, next.users)
  config.contexts = added(config.contexts, next.contexts)
  config.currentContext ||= next.currentContext
}

/**
 * The user with the paths that the client leaves alone, which count from the folder of the kubeconfig: a token file, which the provider
 * for service accounts reads again whenever it changes, and a login program that is not on PATH.
 */
async function withPaths(user: User | null, files: readonly string[]): Promise<User | null> {
  if (!user) return null
  const { folder, tokenFile } = await writtenUser(user.name, files)
  const { token, authProvider, exec, certData, certFile } = user
  if (tokenFile && !token && !authProvider && !exec && !certData && !certFile)
    return { ...user, authProvider: { name: 'tokenFile', config: { tokenFile: resolve(folder, tokenFile) } } }
  const command: unknown = exec?.command
  const isPath = typeof command === 'string' && command !== basename(command)
  return isPath ? { ...user, exec: { ...exec, command: resolve(folder, command) } } : user
}

function hideCredentials(user: User | null, mask: Mask): void {
  const { token, password, authProvider } = user ?? {}
  for (const secret of [token, password, authProvider?.config?.['access-token'], authProvider?.config?.['id-token']])
    if (typeof secret === 'string') mask.add(secret)
}

const unusable = (why: string): ConfigError =>
  new ConfigError({
    what: 'No Kubernetes cluster can be reached',
    why: `the kubeconfig cannot be used: ${why}`,
    next: 'Set KUBECONFIG, or targets.kubernetes.config.context in deploy.json, to what kubectl uses; "kubectl config get-contexts" lists them.',
    code: 'no_cluster'
  })

const usersSchema = z.looseObject({
  users: z
    .array(z.looseObject({ name: z.string(), user: z.looseObject({ tokenFile: z.string().nullish() }).nullish() }))
    .nullish()
})

/** What the first kubeconfig that has a user says of it, and where that file is (kubernetes.io, "kubeconfig (v1)"). */
async function writtenUser(
  user: string,
  files: readonly string[]
): Promise<{ folder: string; tokenFile?: string | null | undefined }> {
  for (const file of files) {
    const { data } = usersSchema.safeParse(await readYamlFile(file))
    const found = data?.users?.find(({ name }) => name === user)
    if (found) return { folder: dirname(resolve(file)), tokenFile: found.user?.tokenFile }
  }
  return { folder: '/' }
}

/** Of many clusters, with their certificates. */
const mostCharacters = 16 * 1024 * 1024

async function readYamlFile(file: string): Promise<unknown> {
  try {
    const [document] = await parseYaml(await readText(file), { most: mostCharacters })
    return yamlValue(document)
  } catch (error) {
    throw error instanceof UnsafeYaml ? new Error(`${file} is not safe to parse: ${error.message}`) : error
  }
}
