import { describe, expect, it } from 'vitest'
import { type Choice, chooseTarget, type DiscoveredTarget } from '../../src/project/choose-target.ts'
import type { DeployFile, ProjectTarget } from '../../src/project/deploy-file.ts'

const fileOf = (targets: Record<string, Partial<ProjectTarget>>): DeployFile => ({
  path: '/p/.claude/popkit/deploy.json',
  text: '',
  entries: {},
  group: { order: [], onFailure: 'stop' },
  targets: new Map(
    Object.entries(targets).map(([name, rest]) => [
      name,
      { name, type: name, enabled: true, primary: false, config: {}, ...rest }
    ])
  ),
  frozen: [],
  notify: [],
  records: [],
  notes: []
})

const found: DiscoveredTarget[] = [
  { name: 'docker', config: { image_name: 'web' }, because: 'compose.yaml names the image web' },
  { name: 'npm', config: {}, because: 'package.json names the package web' }
]
const choose = (choice: Partial<Choice>) => chooseTarget({ file: null, discover: async () => [], ...choice })

describe('chooseTarget', () => {
  it('takes the one asked for, also a disabled one, and says so', async () => {
    const file = fileOf({ docker: { primary: true }, npm: { enabled: false, config: { tag: 'next' } } })
    const chosen = await choose({ file, asked: 'npm' })
    expect(chosen).toMatchObject({ name: 'npm', config: { tag: 'next' } })
    expect(chosen.assumed).toEqual(['npm is not enabled in deploy.json.'])
  })

  it('takes the primary one, else the first enabled one, without looking into the project', async () => {
    const discover = () => Promise.reject(new Error('looked'))
    const primary = fileOf({ npm: {}, docker: { primary: true } })
    expect(await choose({ file: primary, discover })).toMatchObject({ name: 'docker', assumed: [] })
    const enabled = await choose({ file: fileOf({ npm: { enabled: false }, pypi: {}, docker: {} }), discover })
    expect(enabled.name).toBe('pypi')
    expect(enabled.assumed.join()).toContain('first enabled one of pypi, docker')
  })

  it('says when several are primary, or the primary one is disabled', async () => {
    const several = await choose({ file: fileOf({ a: { primary: true }, b: { primary: true } }) })
    expect(several).toMatchObject({ name: 'a', assumed: [expect.stringContaining('several')] })
    const disabled = await choose({ file: fileOf({ a: { primary: true, enabled: false }, b: {} }) })
    expect(disabled).toMatchObject({ name: 'a', assumed: [expect.stringContaining('not enabled')] })
  })

  it('takes what is found in a project without deploy.json, and names what else was found', async () => {
    const chosen = await choose({ discover: async () => found })
    expect(chosen).toMatchObject({ name: 'docker', type: 'docker', config: { image_name: 'web' } })
    expect(chosen.assumed.join('\n')).toMatch(/compose.yaml.*there is no deploy.json/)
    expect(chosen.assumed.join('\n')).toMatch(/Also found, and not chosen: npm \(package.json/)
    expect(await choose({ asked: 'npm', discover: async () => found })).toMatchObject({ name: 'npm' })
  })

  it('finds a target that deploy.json does not list', async () => {
    const chosen = await choose({ file: fileOf({ vercel: {} }), asked: 'npm', discover: async () => found })
    expect(chosen).toMatchObject({ name: 'npm', assumed: [expect.stringContaining('deploy.json does not list it')] })
  })

  it('names the known ones when asked for an unknown one', async () => {
    const asked = 'dokcer\u202e\n`rm`'
    await expect(choose({ file: fileOf({ vercel: {} }), asked, discover: async () => found })).rejects.toMatchObject({
      fault: 'input',
      code: 'unknown_target',
      what: 'There is no target "dokcer `rm`"',
      why: 'deploy.json lists vercel; found in the project: docker, npm'
    })
  })

  it('refuses to guess when none is enabled or none is there', async () => {
    await expect(choose({ file: fileOf({ a: { enabled: false } }) })).rejects.toThrow(/no enabled target; it lists a/)
    await expect(choose({})).rejects.toThrow(/nothing that is deployed was found/)
    await expect(choose({ file: fileOf({}) })).rejects.toThrow(/deploy.json lists none/)
  })
})
