/** What a command comes down to once wrappers are taken off: a program with its arguments, or the text that a shell is given. */
type Bare = { words: string[] } | { script: string }

interface Wrapper {
  /** Options that take the word after them. */
  takes?: string
  /** Words of its own before the command. */
  own?: number
  /** Options that a text for a shell comes after. */
  runs?: RegExp
}

const nothing: Bare = { words: [] }

/** Wrappers without options that take a word. */
const plain = `nohup, setsid, command, builtin, unbuffer, dotenvx, asdf exec, corepack, yarn exec,
  yarn run, bun x, poetry run, pipenv run, pdm run, hatch run, rye run, bundle exec`.split(/,\s+/)

/** Programs that run the command among their arguments; with a second word where it is a subcommand that does. */
const wrappers: Record<string, Wrapper> = {
  ...Object.fromEntries(plain.map((name) => [name, {}])),
  sudo: { takes: '-u -g -h -p -C -r -t -T -U -D -R --user --group --host --prompt --chdir --chroot --role --type' },
  doas: { takes: '-u -C' },
  env: { takes: '-u -C --unset --chdir', runs: /^(-S|--split-string)$/ },
  time: { takes: '-f -o --format --output' },
  exec: { takes: '-a' },
  nice: { takes: '-n --adjustment' },
  ionice: { takes: '-c -n -p --class --classdata' },
  stdbuf: { takes: '-i -o -e --input --output --error' },
  timeout: { takes: '-s -k --signal --kill-after', own: 1 },
  gtimeout: { takes: '-s -k --signal --kill-after', own: 1 },
  flock: { takes: '-w -E --timeout --conflict-exit-code', own: 1, runs: /^(-c|--command)$/ },
  xargs: { takes: '-I -n -L -P -d -a -s -E --max-args --max-procs --delimiter --arg-file --replace' },
  caffeinate: { takes: '-t -w' },
  dotenv: { takes: '-e -f -v -p --file' },
  'dotenvx run': { takes: '-f -e -fv --env-file --env' },
  'doppler run': { takes: '-p -c -t --project --config --token --mount', runs: /^--command$/ },
  'op run': { takes: '--env-file --account' },
  'infisical run': { takes: '--env --path --projectId --token', runs: /^--command$/ },
  'teller run': { takes: '-c --config' },
  'aws-vault exec': { takes: '-d --duration --region', own: 1 },
  'chamber exec': { own: 1 },
  'direnv exec': { own: 1 },
  'mise exec': { takes: '-C --cd', runs: /^(-c|--command)$/ },
  'mise x': { takes: '-C --cd', runs: /^(-c|--command)$/ },
  'volta run': { takes: '--node --npm --yarn --pnpm' },
  'fnm exec': { takes: '--using' },
  npx: { takes: '-p -w --package --workspace', runs: /^(-c|--call)$/ },
  pnpx: { takes: '-p --package' },
  bunx: { takes: '-p --package' },
  'npm exec': { takes: '-p -w --package --workspace', runs: /^(-c|--call)$/ },
  'npm x': { takes: '-p -w --package --workspace', runs: /^(-c|--call)$/ },
  'pnpm dlx': { takes: '--package' },
  'pnpm exec': { takes: '-C -F --dir --filter' },
  'yarn dlx': { takes: '-p --package' },
  uvx: { takes: '--from --with -p --python' },
  'uv run': { takes: '--with --extra --group -p --python --env-file --directory --project' },
  'uv tool run': { takes: '--from --with -p --python' },
  'pipx run': { takes: '--spec --python --index-url --pip-args' }
}

const shell: Wrapper = { takes: '-o -O --rcfile --init-file', runs: /^-[a-z]*c$/ }
const su: Wrapper = { takes: '-s -g -G -w', own: 2, runs: /^(-c|--command)$/ }
const ssh: Wrapper = { takes: '-i -p -l -o -F -J -L -R -D -E -b -c -m -O -S -W -w -B -e -I', own: 1 }

/** Programs that are given a file of their own language, or with some options its text. */
const interpreters: Record<string, { takes: string; ends: RegExp }> = {
  python: { takes: '-W -X', ends: /^-[cm]$/ },
  node: { takes: '-r -C --require --import --loader --env-file --conditions', ends: /^-(e|p|pe)$|^--(eval|print)$/ },
  ruby: { takes: '-r -I', ends: /^-e$/ }
}

const deepest = 10

/** Takes a command's words; gives what it runs in the end. No words mean that it runs nothing that can be told. */
export function bareCommand(given: readonly string[]): Bare {
  let words = withoutAssignments(given)
  for (let depth = 0; depth < deepest && words.length > 0; depth++) {
    const inner = insideOf(words)
    if (!inner) return { words: [programOf(words[0] ?? ''), ...words.slice(1)] }
    if ('script' in inner) return inner
    words = withoutAssignments(inner.words)
  }
  return nothing
}

function withoutAssignments(words: readonly string[]): string[] {
  const start = words.findIndex((word) => !/^\w+\+?=/.test(word))
  return start < 0 ? [] : words.slice(start)
}

/** What a wrapper runs; null for a program that is none. */
function insideOf([first = '', ...args]: readonly string[]): Bare | null {
  const program = programOf(first)
  if (program === 'command' && /^-[vV]/.test(args[0] ?? '')) return nothing
  if (program === 'eval') return { script: args.join(' ') }
  if (program === 'ssh') return scriptOf(commandOf(args, ssh))
  if (program === 'su') return 'script' in commandOf(args, su) ? commandOf(args, su) : nothing
  if (/^(ba|z|da|k|a)?sh$/.test(program)) return commandOf(args, shell)
  const language = /^(python[\d.]*|pypy3?|py)$/.test(program) ? 'python' : program
  if (Object.hasOwn(interpreters, language)) return interpreted(language, args)
  for (const more of [2, 1, 0]) {
    const name = [program, ...args.slice(0, more)].join(' ')
    const wrapper = Object.hasOwn(wrappers, name) ? wrappers[name] : undefined
    if (wrapper) return commandOf(args.slice(more), wrapper)
  }
  return null
}

/** A program without its folder, the extension that Windows gives it, and the version after its name (`vercel@latest`). */
function programOf(word: string): string {
  const file = word.replace(/^.*[/\\](?=.)/, '').replace(/\.(exe|cmd)$/i, '')
  return file.replace(/(?<=.)@[\w.^~-]+$/, '')
}

/** python's -m, or the file that an interpreter is given, as if it were a program of its own. */
function interpreted(language: string, args: readonly string[]): Bare {
  const { takes = '', ends = /^$/ } = interpreters[language] ?? {}
  const { rest, end } = afterOptions(args, takes, ends)
  return end === null || end === '-m' ? { words: rest } : nothing
}

function commandOf(args: readonly string[], { takes = '', own = 0, runs = /^$/ }: Wrapper): Bare {
  let words = [...args]
  for (let left = own; left >= 0; left--) {
    const { rest, end } = afterOptions(words, takes, runs)
    if (end !== null) return { script: rest[0] ?? '' }
    words = left > 0 ? rest.slice(1) : rest
  }
  return { words }
}

const scriptOf = (bare: Bare): Bare => ('script' in bare ? bare : { script: bare.words.join(' ') })

/** Reads past options and their values, up to the first other word or past an option that ends them. */
function afterOptions(args: readonly string[], takes: string, ends: RegExp): { rest: string[]; end: string | null } {
  const valued = takes.split(' ')
  let at = 0
  for (; args[at]?.startsWith('-') && args[at] !== '-'; at++) {
    const option = args[at] ?? ''
    if (ends.test(option)) return { rest: args.slice(at + 1), end: option }
    if (option === '--') return { rest: args.slice(at + 1), end: null }
    if (valued.includes(option)) at++
  }
  return { rest: args.slice(at), end: null }
}
