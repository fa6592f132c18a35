import { wrapAnsi } from 'fast-wrap-ansi'
import picocolors from 'picocolors'

/** What of a terminal decides how a text is shown on it. */
export interface Screen {
  isTTY?: boolean
  columns?: number
}

const narrowest = 60
const widest = 120

/**
 * A text as a person's terminal shows it: in colour, and with its lines broken at words. Into a pipe or a file it goes unchanged, unless
 * FORCE_COLOR asks for colour.
 */
export function present(text: string, screen: Screen, env: NodeJS.ProcessEnv): string {
  const wrapped = screen.isTTY ? text.split('\n').map((line) => wrap(line, screen.columns ?? 80)) : [text]
  return hasColour(screen, env) ? wrapped.join('\n').split('\n').map(colour).join('\n') : wrapped.join('\n')
}

/** no-color.org: NO_COLOR, when it is not empty, wins. */
export const hasColour = (screen: Screen, env: NodeJS.ProcessEnv): boolean =>
  !env.NO_COLOR &&
  (Boolean(env.FORCE_COLOR && env.FORCE_COLOR !== '0') || (screen.isTTY === true && env.TERM !== 'dumb'))

/** What follows a label stays in its column. */
function wrap(line: string, columns: number): string {
  if (columns < narrowest) return line
  const [, label = ''] = /^( {2}\S+(?: \S+){0,2} {2,}|\s*(?:- )?)/.exec(line) ?? []
  const indent = label.length
  const [first = '', ...more] = wrapAnsi(line.slice(indent), Math.min(columns, widest) - indent).split('\n')
  return [label + first, ...more.map((part) => ' '.repeat(indent) + part)].join('\n')
}

const { red, green, yellow, bold, dim } = picocolors.createColors(true)
const bad = /\b(?:DOWN|FAILING|FAILED|STUCK|SERIOUS|INTERRUPTED)\b/g
const label =
  /^ {2}(?:why|go back|or|steps|gap|beware|blocked|found|note|more|plan|with it|finish|undo|close|do|to do) +/

function colour(line: string): string {
  const [head = ''] = label.exec(line) ?? []
  const word = head.trim()
  const shown = /^(?:beware|blocked|to do|do)$/.test(word) ? yellow(head) : word === 'go back' ? bold(head) : dim(head)
  const rest = line.slice(head.length).replace(bad, (found) => bold(red(found)))
  return (
    (head && shown) +
    rest.replace(/^([\w.-]{1,64} serves )/, (found) => green(found)).replace(/: healthy\b/, (found) => green(found))
  )
}
