import { expect, test } from 'vitest'
import { interrupts } from '../../src/cli/interrupts.ts'

/** Ctrl-C on a clock that stands still but for `after`. */
function terminal() {
  const began = Date.parse('2026-03-18T14:30:00Z')
  let at = began
  const seen: string[] = []
  const { press, told } = interrupts({
    cancel: () => seen.push('cancelled'),
    say: (text) => seen.push(text),
    end: () => seen.push('ended'),
    now: () => new Date(at)
  })
  return {
    told,
    doing: (title: string, switched: boolean) =>
      told({ index: 1, total: 3, title, state: 'started', target: 'web', switched, endsBy: new Date(began + 90_000) }),
    /** What a press does, `after` milliseconds after the one before. */
    press(after = 500) {
      at += after
      press()
      return seen.splice(0)
    }
  }
}

test('before a rollback the first Ctrl-C cancels, and the second ends the process', () => {
  const { press } = terminal()
  expect(press()).toEqual(['cancelled'])
  expect(press()).toEqual(['ended'])
})

test('before the switch it says that nothing was changed', () => {
  const { press, doing } = terminal()
  doing('Pulling 1.1.0', false)
  expect(press()).toEqual([
    'cancelled',
    'Stopping after the step in hand, "Pulling 1.1.0". What serves was not changed.'
  ])
})

test('after the switch the rollback goes on, and only a third press within two seconds ends it', () => {
  const { press, doing } = terminal()
  doing('Replacing web', true)
  expect(press()).toEqual([
    'cancelled',
    'Finishing the rollback, now "Replacing web"; stopping here could leave web down.'
  ])
  const timeLeft = (left: string) => [expect.stringContaining(`ends in ${left} at the latest. Press Ctrl-C once more`)]
  expect(press(29_500)).toEqual(timeLeft('1m 0s'))
  expect(press(10_000)).toEqual(timeLeft('50s'))
  expect(press(2000)).toEqual([
    'Ended in the middle of "Replacing web". web may be down, or rolled back in part. To finish or undo it: pop-deploy-rollback rollback --target web',
    'ended'
  ])
})

test('a rollback that has ended is no longer in hand', () => {
  const { press, doing, told } = terminal()
  doing('Replacing web', true)
  press()
  told(null)
  expect(press()).toEqual(['ended'])
})
