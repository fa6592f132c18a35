import type { Blocker, Health, Risk } from '../model/observation.ts'
import type { Release } from '../model/release.ts'
import { type Assessment, type Candidate, shortName } from '../rollback/assess/assessment.ts'
import type { Plan } from '../rollback/assess/plan-id.ts'
import type { Interrupted } from '../rollback/journal/interrupted.ts'
import { duration, quoted, timeSpan } from '../support/text.ts'
import { labelled } from './answer.ts'
import { neighbourLines } from './neighbours.ts'

const mostLines = 12
const mostSteps = 8

/**
 * An assessment for a tired person, one line each: first what is wrong and since when, then why, what to go back to, what it takes and
 * what speaks against it. Serious risks and blockers are never left out; what else is over twelve lines is left to the data, and to
 * `verbose`.
 */
export function assessmentLines(assessment: Assessment, verbose = false): string[] {
  const { interrupted, risks, blockers, diagnosis, notes, plan } = assessment
  const serious = risks.filter((risk) => risk.serious)
  const lines = [
    headline(assessment),
    ...whyLines(assessment),
    ...(interrupted ? interruptedLines(interrupted, verbose) : wayBack(assessment, verbose)),
    ...neighbourLines(assessment),
    ...labelled('beware', serious.map(riskLine)),
    ...labelled('blocked', [...new Set(blockers.map(blockerLine))])
  ]
  const found = labelled(
    'found',
    (diagnosis?.findings ?? []).map((line) => quoted(line, 300))
  )
  const rest = [...found, ...labelled('note', [...risks.filter((risk) => !risk.serious).map(riskLine), ...notes])]
  if (verbose) return [...lines, ...rest, ...(plan ? labelled('plan', [plan.id]) : [])]
  if (lines.length + rest.length <= mostLines) return [...lines, ...rest]
  const shown = rest.slice(0, Math.max(0, mostLines - 1 - lines.length))
  const left = rest.length - shown.length
  return [...lines, ...shown, ...labelled('more', [`${left} ${left === 1 ? 'line' : 'lines'} with --verbose`])]
}

/** What serves and how, in one line: "docker: DOWN. 1.4.2: web exited with code 1, since 03:46 UTC (1 min 40 s)". */
export function headline({ target, current, health, failed, recordedFailure, since, at }: Assessment): string {
  if (!current) return `${target}: nothing is deployed (${health.message})`
  const word = { down: 'DOWN', degraded: 'FAILING' }[String(health.state)] ?? (failed ? 'FAILED' : healthWord(health))
  const from = failed && since && !since.inferred ? `, since ${clockTime(since.at, at)} (${ago(since.at, at)})` : ''
  const passes = word === 'FAILED' && health.state === 'healthy' && !health.unchecked
  const shown = passes ? 'its health check passes' : health.message
  const recorded = recordedFailure?.error ? `, ${quoted(recordedFailure.error, 100)}` : ''
  const now =
    word === 'FAILED'
      ? `recorded as failed${from}${recorded}; ${shown}`
      : `${shown}${from}${recorded && `; recorded${recorded}`}`
  return `${target}: ${word}. ${shortName(current)}: ${now}`
}

const ago = (at: string, now: string): string => timeSpan(Math.max(0, Date.parse(now) - Date.parse(at)))

/** Nobody is told that something is healthy because it runs. */
export const healthWord = ({ state, unchecked }: Health): string => (unchecked ? 'running, health unknown' : state)

/** What its logs say is quoted: data from outside, never an instruction. */
const whyLines = ({ telling }: Assessment): string[] =>
  labelled(
    'why',
    telling.map(({ text, source }) => `${quoted(text)} (${source})`)
  )

function wayBack(assessment: Assessment, verbose: boolean): string[] {
  const { chosen, recommended, plan, candidates, failed, blockers, at } = assessment
  const others = labelled('or', otherCandidates(candidates, chosen, at))
  if (!chosen || !plan) {
    const nothing = failed ? labelled('go back', ['to nothing that is known to have served well']) : []
    return [...nothing, ...(blockers.some(({ id }) => id === 'no_candidate') ? [] : others)]
  }
  const asked =
    chosen === recommended
      ? ''
      : `, as asked${recommended ? ` (recommended is ${shortName(recommended.release)})` : ''}`
  return [
    ...labelled('go back', [`${shortName(chosen.release)}${asked}, ${evidenceOf(chosen, at)}`]),
    ...others,
    ...(verbose ? everyStep(plan) : labelled('steps', [stepsOf(plan)])),
    ...labelled('gap', plan.gap === undefined ? [] : [plan.gap])
  ]
}

/** Why a candidate is, or is not, good: "served well for 6 days until 03:46 UTC (deploy.json)". */
export function evidenceOf({ good, served, shortLived, evidenceFor, evidenceAgainst }: Candidate, now: string): string {
  const length = served?.forMs ? ` for ${timeSpan(served.forMs)}` : ''
  const until = served?.until ? ` until ${clockTime(served.until, now)}` : ''
  const well = `served well${length}${until}${shortLived ? ', right after a failure' : ''} (${served?.source})`
  return (
    [...(good && served ? [well] : evidenceFor.slice(0, 1)), ...evidenceAgainst].join('; ') ||
    'nothing says that it ever worked'
  )
}

function stepsOf({ steps, soakMs }: Plan): string {
  const titles = (cleanup: boolean): string[] =>
    steps.filter(({ phase }) => (phase === 'cleanup') === cleanup).map(({ title }) => title)
  const [before, after] = [titles(false), titles(true)]
  const left = before.length - mostSteps
  return [
    ...before.slice(0, mostSteps).map((title, index) => `${index + 1}. ${title}`),
    ...(left > 0 ? [`and ${left} more`] : []),
    `then the health check${soakMs > 0 ? `, for ${duration(soakMs)}` : ''}`,
    ...(after.length > 0 ? [`afterwards: ${after.join(', ')}`] : [])
  ].join('; ')
}

const everyStep = ({ steps, soakMs }: Plan): string[] =>
  labelled('steps', [
    ...steps
      .filter(({ phase }) => phase !== 'cleanup')
      .map(({ title, undo }) => `${title}${undo ? ` (undone by: ${undo})` : ''}`),
    `Health check${soakMs > 0 ? `, for ${duration(soakMs)}` : ''}`,
    ...steps.filter(({ phase }) => phase === 'cleanup').map(({ title }) => `Afterwards: ${title}`)
  ])

function interruptedLines(interrupted: Interrupted, verbose: boolean): string[] {
  const { rollbackId, startedAt, holder, from, to, options, reasons, knownFrom } = interrupted
  const known = knownFrom === 'target' ? ' (known from its lease on the target)' : ''
  return [
    ...labelled('INTERRUPTED', [
      `${rollbackId} from ${from?.version ?? 'nothing'} to ${to.version}, begun at ${minute(startedAt)} by ${holder.user} on ${holder.host}, never ended${known}`,
      ...reasons
    ]),
    ...options.flatMap(({ kind, version, id, lines }) =>
      labelled(kind, [
        `${kind === 'close' ? '' : `to ${version}: `}${lines.join('; ') || 'nothing to undo'}${verbose ? ` (plan ${id})` : ''}`
      ])
    )
  ]
}

/** Those that only an identity names come last, with when they were built, where another one is chosen, has a name, or evidence. */
function otherCandidates(candidates: readonly Candidate[], chosen: Candidate | null, now: string): string[] {
  const all = candidates.filter((candidate) => candidate !== chosen)
  const known = all.filter(({ release, good }) => good || release.version !== release.id)
  const shown = chosen || known.length > 0 ? known : all
  const nameless = all.filter((candidate) => !shown.includes(candidate)).map(({ release }) => release)
  const parts = [
    ...shown.slice(0, 3).map((candidate) => `${shortName(candidate.release)} (${evidenceOf(candidate, now)})`),
    ...(shown.length > 3 ? [`${shown.length - 3} more`] : []),
    ...(nameless.length > 0 ? [`${nameless.length} without a name: ${newestOf(nameless)}`] : [])
  ]
  return parts.length === 0 ? [] : [parts.join(', ')]
}

const newestOf = (nameless: readonly Release[]): string =>
  [...nameless]
    .sort((a, b) => (b.createdAt ?? '').localeCompare(a.createdAt ?? ''))
    .slice(0, 3)
    .map((release) => shortName(release) + (release.createdAt ? ` (built ${minute(release.createdAt)})` : ''))
    .concat(nameless.length > 3 ? ['…'] : [])
    .join(', ')

/** "2026-03-18 14:02 UTC". */
export const minute = (at: string): string => `${at.slice(0, 16).replace('T', ' ')} UTC`

/** The time alone where it is of the same day: "14:02 UTC". */
const clockTime = (at: string, now: string): string =>
  at.slice(0, 10) === now.slice(0, 10) ? `${at.slice(11, 16)} UTC` : minute(at)

export const riskLine = ({ id, serious, title, detail }: Risk): string =>
  `${serious ? `SERIOUS [${id}] ` : ''}${title}: ${detail}`

export const blockerLine = ({ what, why, next }: Blocker): string => `${what}: ${why}. ${next}`
