import { expect, test } from 'vitest'
import { comparedTo, comparedToItself } from '../../../src/rollback/signals/served-before.ts'
import { release } from '../../../testkit/in-memory-target.ts'
import { failed, success } from '../engine-harness.ts'

const now = new Date('2026-03-18T15:00:00.000Z')
const ms = (at: string): number => Date.parse(`2026-03-18T${at}:00.000Z`)
const good = release('1.1.0')
const at = (time: string): string => `2026-03-18T${time}:00.000Z`
const current = (from?: string, createdAt?: string) =>
  release('1.2.0', {
    ...(from && { served: { from: at(from), source: 'shelf' } }),
    ...(createdAt && { createdAt: at(createdAt) })
  })

test('what serves is compared with the time in which the best candidate served, up to the next record', () => {
  const history = [failed('1.2.0', at('14:00')), success('1.1.0', at('10:00')), success('1.0.0', at('09:00'))]
  expect(comparedTo(current(), [release('1.0.0'), good], history, now)).toEqual({
    deployedAt: null,
    before: { version: '1.1.0', from: ms('10:00'), until: ms('14:00') }
  })
})

test('a deployment that the history does not know yet ends that time', () => {
  const { deployedAt, before } = comparedTo(current('14:30', '14:20'), [good], [success('1.1.0', at('10:00'))], now)
  expect(deployedAt).toBe(ms('14:20'))
  expect(before).toEqual({ version: '1.1.0', from: ms('10:00'), until: ms('14:20') })
})

test('without a record, the time is what the target says, and without that there is none', () => {
  const served = release('1.1.0', { served: { from: at('10:00'), until: at('12:00'), source: 'shelf' } })
  expect(comparedTo(current('12:00'), [served], [], now).before).toMatchObject({
    from: ms('10:00'),
    until: ms('12:00')
  })
  expect(comparedTo(current('12:00'), [good], [], now).before).toBeNull()
})

test('a version that was rolled back to is compared with the time before it was left, not with the present one', () => {
  const history = [success('1.1.0', at('14:50')), failed('1.2.0', at('14:00')), success('1.1.0', at('10:00'))]
  expect(comparedToItself(good, history, now).before).toEqual({
    version: '1.1.0',
    from: ms('10:00'),
    until: ms('14:00')
  })
  expect(comparedToItself(good, [success('1.1.0', at('14:50'))], now).before).toBeNull()
})
