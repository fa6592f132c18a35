import { basename, delimiter, isAbsolute } from 'node:path'

/** What any program needs to run as it does in the user's shell: folders, language, proxies, certificates. */
const base =
  /^(PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|TMP|TEMP|TERM|TZ|LANG|LANGUAGE|LC_\w+|XDG_\w+|(HTTP|HTTPS|NO|ALL)_PROXY|SSL_CERT_(FILE|DIR)|CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE|NODE_EXTRA_CA_CERTS|SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT|USERPROFILE|USERNAME|HOMEDRIVE|HOMEPATH|APPDATA|LOCALAPPDATA|PROGRAMDATA|PROGRAMFILES\w*)$/

/** What programs need that log in to a cloud, and where they keep a login. */
const logins =
  /^((AWS|AZURE|ARM|AAD|ACR|GOOGLE|CLOUDSDK|GCP|GKE|IBMCLOUD|OCI|DIGITALOCEAN|ALIBABA_CLOUD|VAULT|TELEPORT|MSI|IDENTITY|ECS|ACTIONS_ID_TOKEN)_\w+|USE_GKE_GCLOUD_AUTH_PLUGIN|DBUS_SESSION_BUS_ADDRESS|PASSWORD_STORE_\w+|GNUPGHOME|KRB5\w+)$/

/** The variables beyond the usual ones that a program needs, by its name; the first that fits counts. */
const needs: readonly [name: RegExp, variables: readonly RegExp[]][] = [
  [/^git$/, []],
  [/^gh$/, [/^(GH_CONFIG_DIR|DBUS_SESSION_BUS_ADDRESS)$/]],
  [/^ssh$/, [/^(SSH_AUTH_SOCK|KRB5\w+)$/]],
  [/^npm/, [/^NPM_CONFIG_/]],
  // The excepted ones would lead Helm to another cluster or namespace than the target's.
  [/^helm$/, [/^HELM_(?!KUBE|NAMESPACE$|DEBUG$|MAX_HISTORY$)/, /^(KUBECONFIG|KUBERNETES_\w+)$/, logins]],
  [/^kubectl-login$/, [/^(KUBECONFIG|KUBECACHEDIR|KUBERNETES_\w+)$/, logins]],
  [/^docker-credential-/, [/^DOCKER_CONFIG$/, logins]],
  [/^docker(-compose)?$/, [/^(DOCKER|COMPOSE)_/, /^SSH_AUTH_SOCK$/, logins]]
]

/**
 * The part of an environment that a program needs, so that the tokens of this server do not reach every program that it starts.
 * @param program its name or path, or `kubectl-login` for any login program of a kubeconfig.
 */
export function programEnv(program: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const name = basename(program).replace(/\.(exe|cmd)$/i, '')
  const own = needs.find(([pattern]) => pattern.test(name))?.[1] ?? []
  const isNeeded = (variable: string): boolean => [base, ...own].some((pattern) => pattern.test(variable.toUpperCase()))
  const { PATH = '', ...needed } = Object.fromEntries(Object.entries(env).filter(([variable]) => isNeeded(variable)))
  const folders = absoluteFolders(PATH)
  // An empty PATH would mean the present folder; without one the system has its own.
  return folders.length > 0 ? { ...needed, PATH: folders.join(delimiter) } : needed
}

/** The folders of a PATH without the relative ones, which would find a program in the project's folder. */
export const absoluteFolders = (path: string): string[] => path.split(delimiter).filter((folder) => isAbsolute(folder))
