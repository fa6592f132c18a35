import type { Answering } from './claude-code.ts'

/** Answers each question with the next of its answers, by header, and allows or refuses whatever else is asked. */
export function person(answers: Record<string, string[]>, allow = true): Answering {
  const left = structuredClone(answers)
  return ({ tool, input }) => {
    if (tool !== 'AskUserQuestion') return allow
    const [asked] = input.questions as { question: string; header: string }[]
    const answer = asked && left[asked.header]?.shift()
    return asked && answer !== undefined ? { [asked.question]: answer } : {}
  }
}

/** The answers of somebody who wants the rollback and the report. */
export const yes = {
  Strategy: ['Previous version (Recommended)'],
  Confirm: ['Roll back now'],
  Report: ['Create report (Recommended)']
}
