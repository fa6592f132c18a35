import { expect, test } from 'vitest'
import { newRollbackId } from '../../../src/rollback/run/execute.ts'

test('rollbacks begun in the same second in two folders have two ids', () => {
  const now = new Date('2026-03-18T14:35:00.000Z')
  const ids = ['/nowhere/a', '/nowhere/b'].map((folder) => newRollbackId('docker', now, folder))
  for (const id of ids) expect(id).toMatch(/^rb-20260318-143500-docker-[0-9a-f]{6}$/)
  expect(new Set(ids).size).toBe(2)
})
