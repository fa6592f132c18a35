import { parseSync, Visitor } from 'rolldown/utils'

export interface Expression {
  source: string
  flags: string
  line: number
}

/** Every regular expression that a TypeScript text holds as a literal, or as `RegExp` of literal strings. */
export function expressionsOf(text: string, file: string): Expression[] {
  const { program, errors } = parseSync(file, text)
  if (errors.length > 0) throw new Error(`${file} cannot be parsed: ${errors[0]?.message}`)
  const found: Expression[] = []
  const lineAt = (offset: number): number => text.slice(0, offset).split('\n').length
  const made = (node: Made): void => {
    if (node.callee.type !== 'Identifier' || node.callee.name !== 'RegExp') return
    const [source, flags] = node.arguments.map(textOf)
    if (source !== undefined) found.push({ source, flags: flags ?? '', line: lineAt(node.start) })
  }
  new Visitor({
    Literal: (node) => {
      if ('regex' in node) found.push({ source: node.regex.pattern, flags: node.regex.flags, line: lineAt(node.start) })
    },
    NewExpression: made,
    CallExpression: made
  }).visit(program)
  return found
}

interface Made {
  start: number
  callee: { type: string; name?: unknown }
  arguments: readonly Argument[]
}

interface Argument {
  type: string
  value?: unknown
  quasis?: readonly { value: { cooked: string | null } }[]
}

const textOf = ({ type, value, quasis }: Argument): string | undefined => {
  if (type === 'Literal' && typeof value === 'string') return value
  return type === 'TemplateLiteral' && quasis?.length === 1 ? (quasis[0]?.value.cooked ?? undefined) : undefined
}
