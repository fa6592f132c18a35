import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { projectPaths } from '../../src/project/paths.ts'
import { systemClock } from '../../src/support/clock.ts'
import { createMask } from '../../src/support/mask.ts'
import { writeIncidentTool } from '../../src/tools/write-incident.ts'
import { newShelf } from '../../testkit/in-memory-target.ts'
import { testProject } from '../../testkit/project.ts'
import { engine } from '../rollback/engine-harness.ts'

test('a broken deploy.json does not prevent a report for which the journal suffices', async () => {
  const files = await testProject({ version: '1.0' })
  onTestFinished(files.remove)
  const { session, rollBack } = await engine(newShelf())
  session.files = { ...session.files, journals: projectPaths(files.dir).rollbacksDir }
  const { rollbackId } = await rollBack()
  await writeFile(files.deployFile, '{\n  "version": "1.0",\n  "targets": {,}\n}')
  const project = {
    projectDir: files.dir,
    env: {},
    clock: systemClock,
    log: () => undefined,
    mask: createMask()
  }
  const call = {
    project,
    report: () => undefined,
    cancelled: new AbortController().signal,
    consent: async () => undefined,
    group: { consent: async () => undefined }
  }
  const { path } = await writeIncidentTool.run({ rollback_id: rollbackId ?? '' }, call)
  const report = await readFile(join(files.dir, path), 'utf8')
  expect(report).toContain('Switching done')
  expect(report).toMatch(/The history of deploys is not in this report: .*line 3/)
})
