import { expect, test } from 'vitest'
import { promptsByItself, requireConsent } from '../../src/mcp/consent.ts'
import { journalFormat } from '../../src/rollback/journal/journal-events.ts'
import { newShelf, release } from '../../testkit/in-memory-target.ts'
import { engine } from '../rollback/engine-harness.ts'

const assessed = async (more: Parameters<typeof newShelf>[0] = {}) => (await engine(newShelf(more))).assess()
const never = async () => false
const standing = async () => true

test('only a Claude Code whose prompt is known, 2.1.199 and later ones of version 2, prompts by itself', () => {
  const of = (version: string) => promptsByItself({ name: 'claude-code', version })
  expect(['2.1.199', '2.1.330', '2.2.0', '2.10.1'].filter(of)).toHaveLength(4)
  const others = [
    '2.1.198',
    '1.9.999',
    '3.0.0',
    '99',
    '3.0.0-evil',
    '2.2.0-beta.1',
    '2.2.0+x',
    '2.2',
    'v2.2.0',
    '2.02.0'
  ]
  const odd = ['', '2.2.0\n', ' 2.2.0', '2.2.0.0', '2.x.0', '2.-2.0', '2.1e9.0', '2.٩.٩', `2.${'9'.repeat(400)}.0`]
  expect([...others, ...odd].filter(of)).toEqual([])
  for (const name of ['another', 'Claude-Code', 'claude-code ', 'claude-code\0'])
    expect(promptsByItself({ name, version: '2.2.0' })).toBe(false)
})

test('a Claude Code of an unknown version is asked, and refused where it cannot ask', async () => {
  const unknown = { name: 'claude-code', version: '3.0.0-evil' }
  const assessment = await assessed()
  await expect(requireConsent(unknown, { assessment }, never)).rejects.toMatchObject({ code: 'not_unattended' })
  const declining = { ...unknown, ask: async () => 'no' as const }
  await expect(requireConsent(declining, { assessment }, never)).rejects.toMatchObject({ code: 'declined' })
})

test('a host that can ask is asked with the plan, and yes is the only yes', async () => {
  const assessment = await assessed()
  const questions: string[] = []
  const host = (answer: 'yes' | 'no' | 'cancelled') => ({
    name: 'other',
    version: '1',
    ask: async (question: string) => {
      questions.push(question)
      return answer
    }
  })
  await requireConsent(host('yes'), { assessment }, never)
  expect(questions[0]).toContain('Roll back shelf from 1.2.0 to 1.1.0?')
  await expect(requireConsent(host('no'), { assessment }, standing)).rejects.toMatchObject({ code: 'declined' })
  await expect(requireConsent(host('cancelled'), { assessment }, standing)).rejects.toMatchObject({
    code: 'not_confirmed'
  })
})

test('a host that cannot ask is refused, unless deploy.json allows unattended rollbacks', async () => {
  const mute = { name: 'mute', version: '1' }
  await expect(requireConsent(mute, { assessment: await assessed() }, never)).rejects.toMatchObject({
    code: 'not_unattended'
  })
  await requireConsent(mute, { assessment: await assessed() }, standing)
})

test('an unattended rollback refuses on serious risks and on a current version that has not failed', async () => {
  const mute = { name: 'mute', version: '1' }
  const risky = await assessed({ risks: [{ id: 'moved', serious: true, title: 'Moved', detail: 'tag' }] })
  await expect(requireConsent(mute, { assessment: risky }, standing)).rejects.toThrow('moved')
  const healthy = await engine(newShelf({ health: { '1.2.0': 'healthy' } }), {
    history: [{ at: '2026-03-10T12:00:00.000Z', target: 'shelf', version: '1.1.0', status: 'success' }]
  })
  await expect(requireConsent(mute, { assessment: await healthy.assess() }, standing)).rejects.toThrow('has not failed')
})

test('for an interrupted rollback the question names the option and what it runs', async () => {
  const assessment = await assessed()
  const interrupted = interruptedOne()
  const asked: string[] = []
  const ask = async (text: string) => {
    asked.push(text)
    return 'yes' as const
  }
  const host = { name: 'other', version: '1', ask }
  for (const kind of ['finish', 'undo', 'close'] as const) {
    const option = { kind, id: 'plan', version: 'v', lines: [`${kind} line`] }
    await requireConsent(host, { assessment: { ...assessment, interrupted }, option }, never)
  }
  const { rollbackId } = interrupted
  expect(asked).toEqual([
    `Finish the interrupted rollback ${rollbackId} of shelf, to 1.1.0?\n1. finish line`,
    `Undo the interrupted rollback ${rollbackId} of shelf, back to 1.2.0?\n1. undo line`,
    `Close the interrupted rollback ${rollbackId} of shelf, and leave what is deployed as it is?\n1. close line`
  ])
})

function interruptedOne() {
  const begun = {
    event: 'begun' as const,
    format: journalFormat,
    at: '2026-03-18T14:35:00.000Z',
    rollbackId: 'rb-20260318-143500-shelf',
    target: 'shelf',
    type: 'shelf',
    planId: '',
    from: release('1.2.0'),
    to: release('1.1.0'),
    health: { state: 'down' as const, message: '' },
    steps: [],
    soakMs: 0,
    accepted: [],
    notes: [],
    holder: { host: 'here', pid: 1, user: 'ann' }
  }
  const record = { path: '', begun, events: [begun], ended: null }
  const { rollbackId, at: startedAt, holder, from, to } = begun
  const known = { rollbackId, startedAt, holder, from, to, knownFrom: 'journal' as const }
  return { ...known, record, reasons: [], options: [] }
}
