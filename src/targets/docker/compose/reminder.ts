import { z } from 'zod'
import type { Risk } from '../../../model/observation.ts'
import { defineStep } from '../../define-step.ts'
import type { ContainersState } from '../containers/observe/observe.ts'
import { isImageOf, isTagOf } from '../containers/observe/releases.ts'
import { findWorkload } from '../containers/observe/workload.ts'
import type { DockerContext } from '../context.ts'
import { parseReference } from '../objects/reference.ts'
import { type Change, changeLine, neededChange, type ServiceFiles, type Wanted } from './change.ts'
import { composeFileSet } from './files.ts'
import { servicesOf } from './labels.ts'

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
export const checkComposeFiles = defineStep<DockerContext, ContainersState>()({
  kind: 'compose_files',
  phase: 'cleanup',
  params: z.object({ version: z.string(), wanted: z.object({ tag: z.string().nullable(), exact: z.string() }) }),
  describe: () => ({
    id: 'compose_files',
    title: 'Checking whether the next docker compose up would undo this',
    undo: null
  }),
  async mismatch(docker, { version, wanted: { tag, exact } }, { to, state, observation, signal }) {
    if (version !== to.version || (tag !== null && !isTagOf(tag, to, { observation, state })))
      return `it is about ${tag ?? version}`
    return (await isImageOf(docker, exact, to, state.repository, signal))
      ? null
      : `${exact} is not the image of ${version}`
  },
  async apply(docker, { version, wanted }, { signal }) {
    const { containers } = await findWorkload(docker, signal)
    const changes = await neededChanges(docker, servicesOf(containers), wanted)
    if (changes.length === 0) return { detail: 'no: they name this version' }
    return { detail: 'yes', manual: changes.map((change) => changeLine(change, version)) }
  }
})
