import { utcInstant } from '../project/timestamp.ts'
import { deployCommandIn } from './deploy-command.ts'
import { type BeforeEvent, object, text } from './event.ts'
import { type ListedTarget, readDeployFileLightly, sayable } from './notice.ts'
import type { SessionMemory } from './session-memory.ts'

/** What the host is to say before a command, and whether it is to ask the person. */
export interface FrozenNotice {
  line: string
  /** The command names the version that is frozen. */
  names: boolean
}

interface Around {
  deployFile: string
  now: Date
  memory: SessionMemory
}

interface Freeze {
  target: string
  version: string
  until: string
  reason: string
}

/**
 * A line about versions that are frozen on the targets to which a command may deploy; null when it deploys nothing, or there is none.
 * Where the command does not name the version, it is said once a session.
 */
export function frozenNotice({ command }: BeforeEvent, { deployFile, now, memory }: Around): FrozenNotice | null {
  const deploy = deployCommandIn(command)
  if (!deploy) return null
  const file = readDeployFileLightly(deployFile)
  const frozen = freezesIn(file.frozen, now)
  if (frozen.length === 0) return null
  const targets = file.targets.filter((target) => mayBeMeant(target, deploy.types)).map(({ name }) => name)
  const words = new Set(command.split(/[^\w.+-]+/).map(bare))
  const onIt = frozen.filter(({ target }) => targets.includes(target))
  const named = onIt.filter(({ version }) => words.has(bare(version)))
  if (named.length > 0) return { line: named.map(lineOf).join('; '), names: true }
  if (deploy.weak || onIt.length === 0) return null
  const line = onIt.map(lineOf).join('; ')
  return memory.firstTime(`frozen\n${line}`) ? { line, names: false } : null
}

const mayBeMeant = ({ name, type }: ListedTarget, types: readonly string[]): boolean =>
  types.length === 0 || types.includes(type) || types.includes(name)

const bare = (version: string): string => version.replace(/^v(?=\d)/, '')

const mostSaid = 5

function freezesIn(raw: unknown, now: Date): Freeze[] {
  const all = (Array.isArray(raw) ? raw : []).map(object).flatMap((one): Freeze[] => {
    const [target, version, reason] = [text(one.target), text(one.version), text(one.reason)]
    const until = utcInstant(text(one.until)) ?? ''
    const isOver = until !== '' && until <= now.toISOString()
    return sayable.test(target) && sayable.test(version) && !isOver ? [{ target, version, until, reason }] : []
  })
  return all.slice(0, mostSaid)
}

/** Text that a person wrote for people, as data: one short line of ordinary characters. */
const said = (reason: string): string =>
  reason
    .replace(/[^\p{L}\p{N}\p{P}\p{Zs}%+=<>$€]/gu, ' ')
    .replace(/["“”„‟`]/g, "'")
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 120)

function lineOf({ target, version, until, reason }: Freeze): string {
  const end = until ? ` until ${until.slice(0, 16).replace('T', ' ')} UTC` : ''
  const why = said(reason)
  return `${version} was rolled back on ${target} and is frozen${end}${why ? ` (deploy.json gives the reason "${why}")` : ''}`
}
