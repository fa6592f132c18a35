import { z } from 'zod'
import type { Risk } from '../../../model/observation.ts'
import type { Release } from '../../../model/release.ts'
import type { Step } from '../../../model/step.ts'
import type { StepKind } from '../../define-steps.ts'
import type { DockerContext } from '../context.ts'
import { parseReference } from '../objects/reference.ts'
import { type Change, changeLine, neededChange, type ServiceFiles, type Wanted } from './change.ts'
import { composeFileSet } from './files.ts'

const paramsSchema = z.looseObject({
  version: z.string(),
  wanted: z.object({ tag: z.string().nullable(), exact: z.string() }),
  services: z.array(
    z.looseObject({
      service: z.string(),
      workingDir: z.string().nullable(),
      files: z.array(z.string()),
      envFiles: z.array(z.string())
    })
  )
})

/** What a Compose file must name so that it means the candidate. */
export const wantedOf = ({ shown, exact }: { shown: string | null; exact: string }): Wanted => ({
  tag: (shown && parseReference(shown)?.tag) ?? null,
  exact
})

/** What must change in Compose files and environment so that the next `up` does not undo a rollback. */
export async function neededChanges(
  docker: DockerContext,
  services: readonly ServiceFiles[],
  wanted: Wanted
): Promise<Change[]> {
  if (services.length === 0) return []
  const fallback = await composeFileSet(docker)
  const { projectDir } = docker
  const changes = await Promise.all(services.map((owned) => neededChange({ owned, fallback, projectDir, wanted })))
  return changes.filter((change) => change !== null)
}

export const changeRisks = (changes: readonly Change[], version: string): Risk[] =>
  changes.map((change) => ({
    id: `compose_file:${change.service}`,
    serious: false,
    title: `The Compose files do not name ${version} for ${change.service}`,
    detail: changeLine(change, version)
  }))

/** The last step: checks whether the files were changed, and names what a person has to change. */
export const reminderStep = (release: Release, services: readonly ServiceFiles[], wanted: Wanted): Step => ({
  id: 'compose_files',
  kind: 'compose_files',
  phase: 'cleanup',
  title: 'Checking whether the next docker compose up would undo this',
  params: {
    version: release.version,
    wanted: { ...wanted },
    services: services.map(({ service, workingDir, files, envFiles }) => ({ service, workingDir, files, envFiles }))
  },
  undo: null
})

export const checkComposeFiles: StepKind<DockerContext, z.infer<typeof paramsSchema>> = {
  params: paramsSchema,
  async apply(docker, { version, services, wanted }) {
    const changes = await neededChanges(docker, services, wanted)
    if (changes.length === 0) return { detail: 'no: they name this version' }
    return { detail: 'yes', manual: changes.map((change) => changeLine(change, version)) }
  }
}
