import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { changesBetween } from '../../src/project/changes-between.ts'
import { createRepository, type Repository } from './repository.ts'

describe('changesBetween', () => {
  let repository: Repository
  let good: string
  let bad: string
  beforeAll(() => {
    repository = createRepository()
    good = repository.commit('Good')
    repository.git('tag', 'v1.1.0')
    bad = repository.commit('Bad', { 'db/migrate/20260318120000_add_user.rb': '1' })
    repository.git('tag', '1.2.0')
  })
  afterAll(() => repository.remove())

  it('finds commits and migrations between two versions by their tags', async () => {
    expect(await changesBetween(repository.dir, { version: '1.1.0' }, { version: '1.2.0' })).toMatchObject({
      known: true,
      commits: { items: [{ hash: bad, subject: 'Bad' }], more: false },
      migrations: [{ tool: 'Rails', change: 'added' }]
    })
  })

  it('goes by the recorded commits first, and by the tag where one is not there', async () => {
    const older = { version: '9.9.9', commit: good.slice(0, 10) }
    expect(await changesBetween(repository.dir, older, { version: '1.2.0', commit: '0'.repeat(40) })).toMatchObject({
      known: true,
      commits: { items: [{ subject: 'Bad' }] }
    })
    expect(
      await changesBetween(repository.dir, { version: '1.1.0' }, { version: '1.2.0', commit: good })
    ).toMatchObject({
      commits: { items: [] },
      migrations: []
    })
  })

  it('says what it does not know', async () => {
    expect(await changesBetween(repository.dir, { version: '1.0.0' }, { version: '1.2.0' })).toEqual({
      known: false,
      why: "the project's git repository knows no commit of 1.0.0"
    })
    const bare = mkdtempSync(join(tmpdir(), 'pop-no-git-'))
    try {
      const none = await changesBetween(bare, { version: '1.1.0' }, { version: '1.2.0' })
      expect(none).toMatchObject({ known: false, why: expect.stringContaining('1.1.0 or 1.2.0') })
    } finally {
      rmSync(bare, { recursive: true })
    }
  })
})
