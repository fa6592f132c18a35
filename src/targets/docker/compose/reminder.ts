import { z } from 'zod'
import type { Release } from '../../../model/release.ts'
import type { Step } from '../../../model/step.ts'
import type { Risk } from '../../../model/survey.ts'
import type { StepResult } from '../../target.ts'
import { tagPattern } from '../reference.ts'
import type { Workshop } from '../workshop.ts'
import { type Change, changeLine, neededChange } from './change.ts'
import type { Owned } from './labels.ts'

const paramsSchema = z.looseObject({
  version: z.string(),
  services: z.array(
    z.looseObject({ service: z.string(), workingDir: z.string().nullable(), files: z.array(z.string()) })
  )
})

type Place = Pick<Owned, 'service' | 'workingDir' | 'files'>

/** What must change in Compose files and environment so that the next `up` does not undo a rollback to a version. */
export async function neededChanges(workshop: Workshop, places: readonly Place[], version: string): Promise<Change[]> {
  if (!tagPattern.test(version)) return []
  const { projectDir, config } = workshop
  const changes = await Promise.all(
    places.map((owned) => neededChange({ owned, projectDir, composeFile: config.compose_file, version }))
  )
  return changes.filter((change) => change !== null)
}

export const changeRisks = (changes: readonly Change[], version: string): Risk[] =>
  changes.map((change) => ({
    id: `compose_file:${change.service}`,
    serious: false,
    title: `What Compose reads does not name ${version} for ${change.service}`,
    detail: changeLine(change, version)
  }))

/** The last step: it looks whether the files were changed, and names what a person has to change. */
export const reminderStep = (release: Release, places: readonly Place[]): Step => ({
  id: 'compose_files',
  kind: 'compose_files',
  phase: 'aftercare',
  title: 'Looking whether the next docker compose up would undo this',
  params: {
    version: release.version,
    services: places.map(({ service, workingDir, files }) => ({ service, workingDir, files }))
  },
  undo: null
})

export async function applyReminder(workshop: Workshop, step: Step): Promise<StepResult> {
  const { version, services } = paramsSchema.parse(step.params)
  const changes = await neededChanges(workshop, services, version)
  if (changes.length === 0) return { detail: 'it would not' }
  return { detail: 'it would', manual: changes.map((change) => changeLine(change, version)) }
}
