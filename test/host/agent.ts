import { hosted } from './claude-code.ts'
import type { Move, Script, ToolAnswer } from './scripted-model.ts'

type Play = Generator<Move, void, ToolAnswer>
type Step<T> = Generator<Move, T, ToolAnswer>

// biome-ignore lint/suspicious/noExplicitAny: results of tools, looked into by tests
export type Data = Record<string, any>

interface Question {
  question: string
  header: string
  options: { label: string; description: string }[]
}

/** The three questions as the skill's table names them. */
export function questionsOf(skill: string): Record<string, Question> {
  const rows = [...skill.matchAll(/^\| `(\w+)` \| ([^|]+?) \| ([^|]+?) \| ([^|]+?) \|$/gm)]
  return Object.fromEntries(
    rows.map(([, id = '', question = '', header = '', options = '']) => [
      id,
      { question, header, options: options.split(' / ').map((label) => ({ label, description: label })) }
    ])
  )
}

/** Calls one of our tools and gives its data; an error gives its text as `summary`. */
export function* use(tool: string, input: Record<string, unknown> = {}): Step<Data> {
  const { text, isError } = yield { call: hosted(tool), input }
  try {
    return { ...(JSON.parse(text) as Data), isError }
  } catch {
    return { summary: text, isError }
  }
}

/** Asks the person, and gives the label that was chosen; null when the answer names none of the options. */
export function* ask(question: Question): Step<string | null> {
  const { text, isError } = yield {
    call: 'AskUserQuestion',
    input: { questions: [{ ...question, multiSelect: false }] }
  }
  if (isError) return null
  return question.options.find(({ label }) => text.includes(`="${label}"`))?.label ?? null
}

export interface Wish {
  /** The skill's text, whose questions are asked word for word. */
  skill: string
  args?: string
  /** What the person wants when they chose a specific version. */
  version?: string
}

interface Flags {
  target?: string
  to?: string
  list: boolean
  dryRun: boolean
  yes: boolean
  /** Not an option: the words that ask for an investigation. */
  why: boolean
}

function flagsOf(args: string): Flags {
  const words = args.split(/\s+/)
  const wordAfter = (option: string): string | undefined => words[words.indexOf(option) + 1]
  return {
    ...(words.includes('--target') && { target: wordAfter('--target') }),
    ...(words.includes('--to') && { to: wordAfter('--to') }),
    list: words.includes('--list'),
    dryRun: words.includes('--dry-run'),
    yes: words.includes('--yes'),
    why: args.includes('find out why first')
  }
}

const idle = 'Nothing was changed.'

/** A model that follows the skill to the letter. */
export const agent = ({ skill, args = '', version }: Wish): Script =>
  function* (): Play {
    const questions = questionsOf(skill)
    const { target, to, list, dryRun, yes, why } = flagsOf(args)
    yield { call: 'Skill', input: { skill: 'popkit-ops:pop-deploy-rollback', args } }
    const named = { ...(target && { target }), ...(to && { version: to }), ...(why && { investigate: true }) }
    const one = yield* use('assess_rollback', named)
    const first = !target && one.released_with ? yield* use('assess_rollback', one.next[0].arguments) : one
    if (list) return yield* say(first.summary)
    if (!(yield* isWrong(first, yes))) return yield* say(idle)
    const assessed = yes || to ? first : yield* strategy(questions, first, { version, investigated: why })
    if (!assessed?.plan) return yield* say(idle)
    const accept = yes ? [] : yield* risks(assessed)
    if (!accept) return yield* say(idle)
    const plan = { target: assessed.target, version: assessed.plan.version, plan_id: assessed.plan.id }
    const call = accept.length > 0 ? { ...plan, accept } : plan
    if (dryRun) return yield* say((yield* use('execute_rollback', { ...call, dry_run: true })).summary)
    if (!yes && !(yield* confirm(questions, call))) return yield* say(idle)
    const result = yield* execution(questions, call)
    if (result.outcome !== 'succeeded') return yield* say(result.summary)
    const verdict = yield* use('verify_rollback', { rollback_id: result.rollback_id })
    if (yes || (questions.incident_report && (yield* ask(questions.incident_report))?.startsWith('Create report')))
      yield* use('write_incident', { rollback_id: result.rollback_id })
    return yield* say(verdict.summary)
  }

/** Whether there is something to roll back: of what looks healthy the person says what is wrong, and --yes stops there. */
function* isWrong({ risks: all }: Data, yes: boolean): Step<boolean> {
  if (!(all as Data[]).some(({ id }) => id === 'current_healthy')) return true
  if (yes) return false
  const options = ['It fails for users', 'Nothing, leave it'].map((label) => ({ label, description: label }))
  return (
    (yield* ask({ question: 'It looks healthy. What is wrong?', header: 'Healthy', options })) === 'It fails for users'
  )
}

function* say(words: string): Step<void> {
  yield { say: words }
}

interface Settled {
  version?: string
  /** An option that was used up is not offered again. */
  investigated: boolean
}

function* strategy(questions: Record<string, Question>, assessed: Data, settled: Settled): Step<Data | null> {
  const { target, recommended } = assessed
  const isRelease = assessed.targets && assessed.plan
  const asked = questions.rollback_strategy
  if (!asked) return null
  const options = asked.options.filter(
    ({ label }) =>
      !(label.startsWith('Previous version') && !recommended && !isRelease) &&
      !(label === 'Investigate first' && settled.investigated)
  )
  const choice = yield* ask({ ...asked, options })
  if (choice === 'Investigate first') {
    const investigated = yield* use('assess_rollback', { target, investigate: true })
    return yield* strategy(questions, investigated, { ...settled, investigated: true })
  }
  if (choice === 'Specific version') return yield* use('assess_rollback', { target, version: settled.version })
  return choice?.startsWith('Previous version') ? assessed : null
}

/** Executes; a plan that is out of date costs a new assessment and a new confirmation, and nothing else. */
function* execution(questions: Record<string, Question>, call: Data): Step<Data> {
  const result = yield* use('execute_rollback', call)
  if (!String(result.summary).includes('The approved plan is out of date')) return result
  const { target, version } = call
  const { plan } = yield* use('assess_rollback', { target, version })
  const again = { ...call, plan_id: plan?.id }
  return plan && (yield* confirm(questions, again)) ? yield* execution(questions, again) : result
}

/** The ids of the serious risks once each is accepted; null when one is not. */
function* risks(assessed: Data): Step<string[] | null> {
  const ids: string[] = []
  for (const { id, serious, title, detail } of assessed.risks as Data[]) {
    if (!serious) continue
    const options = ['Accept', 'Do not accept'].map((label) => ({ label, description: label }))
    if ((yield* ask({ question: `${title}: ${detail}`, header: 'Risk', options })) !== 'Accept') return null
    ids.push(id)
  }
  return ids
}

function* confirm(questions: Record<string, Question>, call: Data): Step<boolean> {
  const choice = questions.confirm_rollback ? yield* ask(questions.confirm_rollback) : null
  if (choice !== 'Dry run first') return choice === 'Roll back now'
  yield* use('execute_rollback', { ...call, dry_run: true })
  return yield* confirm(questions, call)
}

/** Makes one call after the other, whatever is answered. */
export const calls = (...moves: Move[]): Script =>
  function* (): Play {
    for (const move of moves) yield move
  }
