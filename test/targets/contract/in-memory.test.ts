import { describe } from 'vitest'
import { newShelf, shelfTarget, typeInMemory } from '../../../testkit/in-memory-target.ts'
import { fulfilsTheContract } from './contract.ts'

describe('the contract of a target, in memory', () => {
  const secret = 'key-of-the-shelf'
  const shelf = newShelf({ secret })
  fulfilsTheContract(
    async () =>
      typeInMemory(async ({ mask }) => {
        mask.add(secret)
        return shelfTarget(shelf)
      }),
    async () => ({
      opening: {},
      silence: () => {
        shelf.silent = true
      },
      secret,
      from: '1.2.0',
      to: '1.1.0',
      remove: async () => undefined
    })
  )
})
