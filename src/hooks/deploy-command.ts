import { runsIn } from './shell-line.ts'

interface Rule {
  programs: RegExp
  /** The first words that are no options. */
  words?: string[]
  /** The first word that is no option, where there may be none. */
  first?: RegExp
  label?: string
  types: string[]
  /** Often no deployment at all. */
  weak?: true
}

const docker = ['docker']
const kubernetes = ['kubernetes']

const rules: readonly Rule[] = [
  { programs: /^docker$/, words: ['compose', 'up'], types: docker },
  { programs: /^docker-compose$/, words: ['up'], types: docker },
  { programs: /^docker$/, words: ['stack', 'deploy'], types: docker },
  { programs: /^docker$/, words: ['service', 'update'], types: docker },
  { programs: /^docker$/, words: ['run'], types: docker, weak: true },
  { programs: /^kamal$/, first: /^(deploy|redeploy|setup)$/, types: docker },
  { programs: /^kubectl$/, words: ['rollout', 'status'], types: kubernetes },
  { programs: /^kubectl$/, words: ['rollout', 'restart'], types: kubernetes },
  { programs: /^kubectl$/, words: ['set', 'image'], types: kubernetes },
  { programs: /^kubectl$/, words: ['apply'], types: kubernetes },
  { programs: /^helm$/, words: ['upgrade'], types: kubernetes },
  { programs: /^helm$/, words: ['install'], types: kubernetes },
  { programs: /^yarn$/, words: ['npm', 'publish'], types: ['npm'] },
  { programs: /^(npm|pnpm|yarn|bun|lerna|changeset)$/, words: ['publish'], types: ['npm'] },
  { programs: /^(vercel|vc)$/, first: /^(deploy|promote|redeploy|$|[./~])/, label: 'vercel', types: ['vercel'] },
  { programs: /^(netlify|ntl)$/, first: /^deploy$/, label: 'netlify deploy', types: ['netlify'] },
  { programs: /^gh$/, words: ['release', 'create'], types: ['github_releases'] },
  { programs: /^gh$/, words: ['release', 'edit'], types: ['github_releases'] },
  { programs: /^gh$/, words: ['release', 'upload'], types: ['github_releases'] },
  { programs: /^twine$/, words: ['upload'], types: ['pypi'] },
  { programs: /^(uv|poetry|hatch|flit|pdm)$/, words: ['publish'], types: ['pypi'] }
]

/** Options before a program's subcommand that take the word after them. */
const valued: [programs: RegExp, options: string][] = [
  [
    /^docker(-compose)?$/,
    '-c --context -H --host --config -l --log-level --tlscacert --tlscert --tlskey -f --file -p --project-name --profile --env-file --project-directory --parallel --progress --ansi'
  ],
  [
    /^(kubectl|helm)$/,
    '-n --namespace --context --kube-context --kubeconfig --cluster --user --token --kube-token -s --server --kube-apiserver --as --as-group --kube-as-user --request-timeout --cache-dir --certificate-authority --client-certificate --client-key --tls-server-name -v'
  ],
  [
    /^(npm|pnpm|yarn|bun|lerna|changeset)$/,
    '--prefix -w --workspace -C --dir -F --filter --cwd --registry --tag --otp --access --userconfig --loglevel'
  ],
  [
    /^(vercel|vc)$/,
    '-t --token -S --scope -T --team -A --local-config -Q --global-config --cwd -e --env -b --build-env -m --meta --target --regions -n --name'
  ],
  [/^(netlify|ntl)$/, '--auth -s --site --filter --cwd'],
  [/^gh$/, '-R --repo --hostname'],
  [/^kamal$/, '-d --destination -c --config-file -r --roles -h --hosts --version'],
  [/^(uv|poetry|hatch|flit|pdm)$/, '-C --directory -P -p --project --config-file -e --env']
]

interface Recognized {
  /** Program and subcommand, never what a user passed. */
  label: string
  /** Types of the targets it may deploy to, empty when any. */
  types: string[]
  weak: boolean
}

/** A deploy command on a line, with what the line's exit code and output tell of it; see Run. */
export interface DeployCommand extends Recognized {
  alone: boolean
  masked: boolean
  unsure: boolean
  ownOutput: boolean
}

const worthALook = /deploy|compose|docker|kubectl|helm|publish|vercel|\bvc\b|netlify|\bntl\b|release|kamal|upload/

const longest = 50_000

/** Finds the deploy command that a shell line runs: the first that is surely one. */
export function deployCommandIn(line: string): DeployCommand | null {
  if (!worthALook.test(line)) return null
  const found = runsIn(line.slice(0, longest)).flatMap(({ words, ...run }) => {
    const deploy = recognized(words)
    return deploy ? [{ ...deploy, ...run }] : []
  })
  return found.find(({ weak }) => !weak) ?? found[0] ?? null
}

function recognized([program = '', ...args]: readonly string[]): Recognized | null {
  if (changesNothing(args)) return null
  if (program === 'execute_deployment.py') return popkit(args)
  const leading = leadingWords(program, args)
  const rule = rules.find(
    ({ programs, words, first }) =>
      programs.test(program) &&
      (!words || words.every((word, index) => word === leading[index])) &&
      (!first || first.test(leading[0] ?? ''))
  )
  if (!rule) return null
  const label = rule.label ?? [program, ...(rule.words ?? leading.slice(0, 1))].join(' ')
  return { label, types: rule.types, weak: rule.weak ?? false }
}

const changesNothing = (args: readonly string[]): boolean =>
  args.some((arg) => /^--dry-run(=(?!none|false).*)?$|^--help$/.test(arg)) ||
  args.at(-1) === '-h' ||
  args[0] === '--version'

/** The arguments that are neither options nor their values. */
function leadingWords(program: string, args: readonly string[]): string[] {
  const takesValue = valued.find(([programs]) => programs.test(program))?.[1].split(' ') ?? []
  return args.filter((arg, index) => !arg.startsWith('-') && !takesValue.includes(args[index - 1] ?? ''))
}

/** popkit's own script names its target. */
function popkit(args: readonly string[]): Recognized {
  const named = args[args.indexOf('--target') + 1]
  const target = args.includes('--target') && named && /^[a-z_]{1,40}$/.test(named) ? [named] : []
  return { label: 'execute_deployment.py', types: target, weak: false }
}
