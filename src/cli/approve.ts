import type { Risk } from '../model/observation.ts'
import type { ResumeKind } from '../rollback/journal/interrupted.ts'
import { InputError } from '../support/errors.ts'
import type { CommandContext } from './run.ts'
import { confirm } from './terminal.ts'

/** A plan or a resume option, by its id. */
export interface Choice {
  id: string
  version: string
}

/** The plan with this id, whatever is shown now: if it is out of date, the execution refuses it and says what changed. */
export function named(id: string, to: string | undefined, shown: readonly Choice[]): Choice | null {
  const version = to ?? (shown.find((choice) => choice.id === id) ?? shown[0])?.version
  return version === undefined ? null : { id, version }
}

/** The option that the person at the terminal chooses; null for another word. */
export async function askResume<Option extends { kind: ResumeKind }>(
  { terminal }: Pick<CommandContext, 'terminal'>,
  options: readonly Option[]
): Promise<Option | null> {
  const answer = await terminal.ask(`Resume the interrupted rollback how? [${wordsOf(options).join('/')}] `)
  return options.find(({ kind }) => kind === answer.toLowerCase()) ?? null
}

export const notResumed = (options: readonly { kind: ResumeKind }[]): InputError =>
  new InputError({
    what: 'The interrupted rollback was not resumed',
    why: `the answer was not one of ${wordsOf(options).join(', ')}`,
    next: 'Run it again and answer with one of these words.',
    code: 'declined'
  })

const wordsOf = (options: readonly { kind: ResumeKind }[]): ResumeKind[] => options.map(({ kind }) => kind)

/** Serious risks are accepted one by one; gives their ids. @throws InputError when one is not. */
export async function acceptEach(
  { terminal, project }: Pick<CommandContext, 'terminal' | 'project'>,
  risks: readonly Risk[]
): Promise<string[]> {
  const serious = risks.filter((risk) => risk.serious)
  for (const { title, detail } of serious) await confirm(terminal, project, `Accept this risk? ${title}: ${detail}`)
  return serious.map(({ id }) => id)
}
