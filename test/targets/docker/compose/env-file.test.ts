import { expect, it } from 'vitest'
import { assignment } from '../../../../src/targets/docker/compose/files.ts'

it.each([
  ['TAG=1.2.0', '1.2.0'],
  ['  export TAG = 1.2.0  ', '1.2.0'],
  ['TAG: 1.2.0', '1.2.0'],
  ['TAG="1.2.0" # today’s', '1.2.0'],
  ["TAG='1.2.0' # it's", '1.2.0'],
  ['TAG=1.2.0 # not yet', '1.2.0'],
  ['TAG=a#b', 'a#b'],
  ['TAG=', ''],
  ['TAGS=1\nexport=2\n# TAG=3\nTAG = 4\r\n', '4']
])('an environment file says what Compose reads: %j', (text, value) => {
  expect(assignment(text, 'TAG')?.value).toBe(value)
})

it.each(['TAGS=1.2.0', 'xTAG=1', '#TAG=1', 'TAG', ''])('an environment file says nothing of a variable: %j', (text) => {
  expect(assignment(text, 'TAG')).toBeNull()
})

it('an environment file of one long line is read at once', () => {
  const began = performance.now()
  for (const filler of [' ', '\t', '#', ' #', '"', "'"])
    assignment(`A=x${filler.repeat(500_000)}y\n${filler.repeat(500_000)}=`, 'A')
  expect(performance.now() - began).toBeLessThan(1000)
})
