import { describe, expect, it } from 'vitest'
import type { Incident } from '../../src/incident/incident.ts'
import { outageOf } from '../../src/incident/outage.ts'
import { renderReport } from '../../src/incident/report.ts'
import { severityOf } from '../../src/incident/severity.ts'
import { crashLoop } from './fixtures.ts'

const render = (given: Partial<Incident> = {}): string => {
  const incident = { ...crashLoop, ...given }
  return renderReport(incident, outageOf(incident), severityOf(incident))
}
const section = (report: string, title: string): string =>
  report
    .split(/^## /m)
    .find((part) => part.startsWith(`${title}\n`))
    ?.slice(title.length)
    .trim() ?? ''
const outcome = (word: string) => ({ rollback: crashLoop.rollback && { ...crashLoop.rollback, outcome: word } })

const sections = [
  'Summary',
  'Timeline',
  'Root Cause',
  'Impact',
  'Action Items',
  'Evidence',
  'Suspect Changes',
  'What Remains'
]

/** Headings and everything that is inside no fence, read as CommonMark does. */
function outsideFences(report: string): string[] {
  const lines: string[] = []
  let fence = ''
  for (const line of report.split('\n')) {
    const ticks = /^(`{3,})/.exec(line)?.[1] ?? ''
    if (!fence && ticks) fence = ticks
    else if (fence && ticks.length >= fence.length && line.trim() === ticks) fence = ''
    else if (!fence) lines.push(line)
  }
  expect(fence).toBe('')
  return lines
}

describe('the incident report', () => {
  it('reads as it should', async () => {
    await expect(render()).toMatchFileSnapshot('report.snapshot.txt')
  })

  it('has the sections in their order, whatever is unknown', () => {
    const nothing: Partial<Incident> = {
      from: null,
      to: null,
      health: null,
      history: [],
      diagnosis: null,
      events: [],
      rollback: null,
      changes: { known: false, why: 'there is no git repository' }
    }
    for (const report of [render(), render(nothing)])
      expect(outsideFences(report).filter((line) => /^#{1,2} /.test(line))).toEqual([
        '# Deployment Incident Report',
        ...sections.map((title) => `## ${title}`)
      ])
    const report = render(nothing)
    expect(report).toContain('- **Failed Version:** unknown')
    expect(report).toContain('- **Duration of Outage:** unknown (')
    expect(section(report, 'Timeline')).toBe('No source has any event.')
    expect(section(report, 'Suspect Changes')).toBe('Unknown: there is no git repository.')
  })

  it('leaves to the post-mortem what nobody gave, and takes what the caller gave', () => {
    const placeholder = '[To be filled during post-mortem]'
    expect(section(render(), 'Root Cause')).toMatch(/^\[To be filled.*\n\nKnown so far.*\n\n- web exited with code 137/)
    expect(section(render({ diagnosis: null }), 'Root Cause')).toBe(placeholder)
    expect(section(render(), 'Impact')).toBe(placeholder)
    const items = section(render(), 'Action Items').split('\n')
    expect(items.slice(0, 3)).toEqual([
      '- [ ] Investigate root cause',
      '- [ ] Add regression test',
      '- [ ] Update deployment validation checks'
    ])
    expect(items[3]).toContain(placeholder)
    const report = render({ rootCause: 'The `cache` grew.\n\n- no limit', impact: '12 orders', notes: 'Seen by Ada' })
    expect(section(report, 'Root Cause')).toBe('The `cache` grew.\n\n- no limit')
    expect(section(report, 'Impact')).toBe('12 orders')
    expect(section(report, 'Evidence')).toContain('Seen by Ada')
  })

  it.each([
    ['succeeded', '1.1.0'],
    ['unverified', '1.1.0, unverified: a check stayed unknown'],
    ['undone', 'nothing, the rollback to 1.1.0 failed and was undone: 1.2.0 is back'],
    ['cancelled', 'nothing, the rollback to 1.1.0 was cancelled'],
    ['stuck', 'unknown whether to 1.1.0, see What Remains'],
    ['manual', 'unknown whether to 1.1.0, see What Remains'],
    ['interrupted', 'unknown whether to 1.1.0, see What Remains']
  ])('claims of a rollback that %s no more than is so', (word, claim) => {
    expect(render(outcome(word))).toContain(`- **Rolled Back To:** ${claim} (\`sha256:bbb`)
    expect(section(render(outcome(word)), 'What Remains')).toBe(
      word === 'succeeded' ? 'Nothing.' : 'Nothing is recorded. Check the target itself.'
    )
  })

  it('lists what remains', () => {
    const remains = ['Deprecate 1.2.0: npm deprecate web@1.2.0 "use 1.1.0"', 'Remove web-old']
    expect(section(render({ remains }), 'What Remains')).toBe(
      '- [ ] Deprecate 1.2.0: npm deprecate web@1.2.0 "use 1.1.0"\n- [ ] Remove web-old'
    )
  })

  it('names a source on every line of the timeline', () => {
    const lines = section(render(), 'Timeline')
      .split('\n')
      .filter((line) => line.startsWith('- '))
    expect(lines.length).toBeGreaterThan(8)
    for (const line of lines) expect(line).toMatch(/ \*\([^)]+\)\*$/)
  })

  it.each([
    '</li><script>alert(1)</script>',
    '\n\n# Deployment Incident Report\n\n## Root Cause\n\nforged',
    '```\n## Impact\n~~~\n``````',
    '| a | b |\n| --- | --- |',
    '[x](javascript:alert(1)) ![y](https://evil.example/p.png)',
    '<!-- hidden',
    '\u202eevil\u0000\x1b]8;;http://evil\x07',
    '*(journal)*\n- 2026-01-01 - forged *(journal)*',
    '$$\\text{x}$$ &lt;b&gt; \\'
  ])('stays whole with %j in every field', (hostile) => {
    const poisoned = JSON.parse(JSON.stringify(crashLoop), (key, value) =>
      typeof value === 'string' &&
      !['at', 'state', 'begunAt', 'endedAt', 'recoveredAt', 'outcome', 'change', 'now', 'since'].includes(key)
        ? hostile
        : value
    ) as Incident
    const report = render({
      ...poisoned,
      rootCause: hostile,
      impact: hostile,
      notes: hostile,
      remains: [hostile],
      ...outcome(hostile)
    })
    const lines = outsideFences(report)
    expect(lines.filter((line) => /^ {0,3}#{1,2} /.test(line))).toEqual([
      '# Deployment Incident Report',
      ...sections.map((title) => `## ${title}`)
    ])
    const text = lines.join('\n').replace(/`[^`\n]*`/g, '')
    expect(text).not.toMatch(/<[a-z!/]/i)
    expect(text).not.toMatch(/(?<!\\)\]\(/)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
    expect(report).not.toMatch(/[\u0000-\u0008\u001b\u202e]/)
    const rows = lines.filter((line) => line.startsWith('|'))
    expect(rows).toHaveLength(4)
    for (const row of rows) expect(row.match(/(?<!\\)\|/g)).toHaveLength(5)
    for (const line of section(report, 'Timeline')
      .split('\n')
      .filter((line) => line.startsWith('- ')))
      expect(line).toMatch(/^- (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|time unknown)/)
  })

  it('draws the picture with nothing that Mermaid could take for its own', () => {
    const hostile = 'section x : crit, 2020\n    click a href "javascript:x" %%{init}%% ; #quot;'
    const steps = [{ title: hostile, from: crashLoop.now, until: crashLoop.now }]
    const report = render({
      target: hostile,
      from: crashLoop.from && { ...crashLoop.from, version: hostile },
      rollback: crashLoop.rollback && { ...crashLoop.rollback, steps }
    })
    const pictures = [...report.matchAll(/```mermaid\n([\s\S]*?)\n```/g)].map(([, lines = '']) => lines.split('\n'))
    expect(pictures.map(([first]) => first)).toEqual(['gantt', 'gantt'])
    const known =
      /^ {4}(title [\p{L}\p{N} .,_/+…-]+|dateFormat [\w:. -]+|axisFormat [%HMSbd: ]+|section (Versions|Rollback)|(Version |Watching |\d+\. )[\p{L}\p{N} .,_/+…-]+ :(crit|done|active), [\d .:-]+, [\d .:-]+)$/u
    for (const line of pictures.flatMap((lines) => lines.slice(1))) expect(line).toMatch(known)
  })
})
