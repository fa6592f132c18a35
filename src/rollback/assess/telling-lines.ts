import type { Diagnosis, Evidence } from '../../model/diagnosis.ts'
import { oneLine } from '../../support/text.ts'

/** A line of a log in its own words: data from outside, to be shown in quotes. */
export interface TellingLine {
  text: string
  /** Where it is from: "docker logs web". */
  source: string
}

const mostLines = 2
const mostCharacters = 200

/** Of each log the line that most likely says why it failed; without such a line nothing, for its last line may say anything. */
export function tellingLines(diagnosis: Pick<Diagnosis, 'evidence'> | null): TellingLine[] {
  const lines = (diagnosis?.evidence ?? []).filter(isLog).flatMap(tellingLine)
  return lines.filter(({ text }, index) => lines.findIndex((line) => line.text === text) === index).slice(0, mostLines)
}

const isLog = ({ title, source }: Evidence): boolean => /\blogs?\b/i.test(`${title} ${source}`)

const final = /\b(?:fatal|panic|critical|emerg|uncaught|unhandled|segmentation fault|out of memory)\b/i
const wrong =
  /error|exception|\b(?:failed|failure|cannot|could not|unable|refused|denied|not found|no such|missing|invalid)\b/i
const stackFrame = /^(?:at |File "|\.{3} )/

function tellingLine({ text, source }: Evidence): TellingLine[] {
  const lines = text
    .split('\n')
    .map((line) => oneLine(withoutTime(line), mostCharacters))
    .filter((line) => line !== '' && !stackFrame.test(line))
  const found = lines.findLast((line) => final.test(line)) ?? lines.findLast((line) => wrong.test(line))
  return found === undefined ? [] : [{ text: found, source: source.replace(/^docker logs \//, 'docker logs ') }]
}

/** Without the time that the engine or the cluster puts before each line. */
const withoutTime = (line: string): string => line.replace(/^\d{4}-\d\d-\d\dT[\d:.]{8,18}(?:Z|[+-]\d\d:\d\d) /, '')
