import { expect, onTestFinished, test } from 'vitest'
import type { JsonObject } from '../../src/model/json.ts'
import { readDeployFile } from '../../src/project/deploy-file.ts'
import { projectPaths } from '../../src/project/paths.ts'
import { misspelledSettings } from '../../src/rollback/misspelled-settings.ts'
import { targetTypes } from '../../src/targets/index.ts'
import { testProject } from '../../testkit/project.ts'
import { popkitFile } from '../project/fixtures.ts'

/** The notes about one target of a deploy.json. */
async function notesOn(deployFile: JsonObject, target: string): Promise<string[]> {
  const project = await testProject(deployFile)
  onTestFinished(() => project.remove())
  const file = await readDeployFile(projectPaths(project.dir), {})
  const load = targetTypes[target]
  return file && load ? misspelledSettings(file, target, (await load()).default) : ['not read']
}

test('a misspelled field is named with its line and what it may mean', async () => {
  const docker = {
    enbled: false,
    config: {
      image_name: 'web',
      prob: { url: 'http://127.0.0.1/' },
      rollback: { soak_second: 60 }
    }
  }
  const notes = await notesOn({ version: '1.0', targets: { docker } }, 'docker')
  expect(notes.map((note) => note.replace(/column \d+/, 'column N'))).toEqual([
    'deploy.json, line 5, column N: "enbled" has no effect. Did you mean "enabled"?',
    'deploy.json, line 8, column N: "prob" has no effect. Did you mean "probe"?',
    'deploy.json, line 12, column N: "soak_second" has no effect. Did you mean "soak_seconds"?'
  ])
})

test('a misspelled field inside a setting is named, too', async () => {
  const target = { config: { probe: { http: 'http://127.0.0.1/', expect_statsu: 204 } } }
  for (const type of ['kubernetes', 'docker'])
    expect(await notesOn({ targets: { [type]: target } }, type)).toEqual([
      expect.stringContaining('Did you mean "expect_status"?')
    ])
})

test('a misspelled field of a signal is named with its line', async () => {
  const signal = {
    name: 'errors',
    prometheus: { url: 'http://p', query: 'x', bearer_evn: 'PROMETHEUS_TOKEN' },
    above: 1
  }
  const docker = { config: {}, signals: [signal] }
  expect(await notesOn({ targets: { docker } }, 'docker')).toEqual([
    expect.stringMatching(
      /^deploy\.json, line \d+, column \d+: "bearer_evn" has no effect\. Did you mean "bearer_env"\?$/
    )
  ])
})

test('fields of other tools are left unnamed', async () => {
  for (const target of Object.keys(popkitFile.targets))
    expect(await notesOn({ targets: popkitFile.targets }, target)).toEqual([])
  const docker = { owner: 'shop', config: { image_name: 'web', cache_from: ['web:main'], rollback: { notify: true } } }
  expect(await notesOn({ targets: { docker } }, 'docker')).toEqual([])
})
