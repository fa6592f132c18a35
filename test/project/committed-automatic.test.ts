import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { committedAutomatic } from '../../src/project/committed-automatic.ts'
import { createRepository, type Repository } from './repository.ts'

const file = '.claude/popkit/deploy.json'
const automatic = JSON.stringify({ targets: { npm: { automatic: true }, docker: { automatic: 'true' } } })

describe('committedAutomatic', () => {
  let repository: Repository
  beforeEach(() => {
    repository = createRepository()
  })
  afterEach(() => repository.remove())

  it('is true only for a target whose committed entry says true', async () => {
    repository.commit('Allow', { [file]: `\uFEFF${automatic}` })
    expect(await committedAutomatic(repository.dir, {}, 'npm')).toBe(true)
    for (const other of ['docker', 'pypi', 'constructor', '__proto__'])
      expect(await committedAutomatic(repository.dir, {}, other)).toBe(false)
  })

  it('does not count what is on the disk or staged alone', async () => {
    expect(await committedAutomatic(repository.dir, {}, 'npm')).toBe(false)
    repository.commit('Begin', { [file]: '{"targets": {"npm": {}}}' })
    repository.write({ [file]: automatic })
    repository.git('add', '--all')
    expect(await committedAutomatic(repository.dir, {}, 'npm')).toBe(false)
  })

  it('is false where the entry on the disk is gone, or says another thing than the committed one', async () => {
    const entry = { automatic: true, type: 'docker', config: { host: 'ssh://good', image_name: 'shop' } }
    repository.commit('Allow', { [file]: JSON.stringify({ targets: { web: entry } }) })
    const onDisk = async (targets: object) => {
      repository.write({ [file]: JSON.stringify({ targets }) })
      return committedAutomatic(repository.dir, {}, 'web')
    }
    expect(await onDisk({})).toBe(false)
    expect(await onDisk({ web: { ...entry, config: { host: 'ssh://other', image_name: 'shop' } } })).toBe(false)
    expect(await onDisk({ web: { ...entry, type: 'npm' } })).toBe(false)
    repository.write({ [file]: '{ broken' })
    expect(await committedAutomatic(repository.dir, {}, 'web')).toBe(false)
  })

  it('is true whatever else the file on the disk says, in whatever order', async () => {
    const [type, config] = ['docker', { image_name: 'shop' }]
    repository.commit('Allow', { [file]: JSON.stringify({ targets: { web: { automatic: true, type, config } } }) })
    const targets = { npm: {}, web: { config, type, automatic: true } }
    repository.write({ [file]: JSON.stringify({ history: [{ version: '1.0.0' }], targets }, null, 4) })
    expect(await committedAutomatic(repository.dir, {}, 'web')).toBe(true)
  })

  it('looks into the project, which may be a folder of the repository', async () => {
    repository.commit('Allow', { [`service/${file}`]: automatic })
    expect(await committedAutomatic(repository.dir, {}, 'npm')).toBe(false)
    expect(await committedAutomatic(`${repository.dir}/service`, {}, 'npm')).toBe(true)
  })

  it('is false for a committed file that is broken', async () => {
    repository.commit('Break', { [file]: automatic.slice(0, -1) })
    expect(await committedAutomatic(repository.dir, {}, 'npm')).toBe(false)
  })
})
