import { expect, test } from 'vitest'
import { createMask } from '../../src/support/mask.ts'
import { quoteLine, quoteTail } from '../../src/support/quote.ts'

const secret = 'correct-horse-battery-staple'
const maskOf = () => {
  const mask = createMask()
  mask.add(secret)
  return mask
}

test('a secret across the cut of a line leaves nothing of itself', () => {
  for (let max = 8; max < 60; max++) {
    const line = quoteLine(maskOf(), `login failed: ${secret} was refused`, max)
    expect(line).not.toMatch(/corr|orse|batt/)
    expect(line.length).toBeLessThanOrEqual(max)
  }
})

test('a secret across the cut of a log leaves nothing of itself', () => {
  for (let max = 8; max < 60; max++)
    expect(quoteTail(maskOf(), `login with ${secret} failed\nand again`, max)).not.toMatch(/horse|batt|staple/)
})

test('an invisible character within a secret does not hide it', () => {
  expect(quoteLine(maskOf(), `with ${secret.slice(0, 7)}\u200b${secret.slice(7)}`)).toBe('with ***')
})
