import { listIncidents } from '../incident/write.ts'
import { readDeployFile } from '../project/deploy-file.ts'
import { projectPaths } from '../project/paths.ts'
import type { ProjectContext } from '../rollback/session.ts'
import { snakeCase } from '../support/casing.ts'
import { InputError } from '../support/errors.ts'
import { readOwnText } from '../support/read-text.ts'

const incidentScheme = 'popkit://incidents/'
const historyScheme = 'popkit://history/'
const mostRecords = 100

/** A name with half of a surrogate pair has no encoding of its own. */
const uriOfHistory = (target: string): string => `${historyScheme}${encodeURIComponent(Buffer.from(target).toString())}`

/** Incident reports, newest first, and the history of each target. */
export async function listResources({ projectDir, env, mask }: ProjectContext) {
  const paths = projectPaths(projectDir)
  const incidents = (await listIncidents(paths)).map(({ name }) => ({
    uri: `${incidentScheme}${name}`,
    name,
    mimeType: 'text/markdown'
  }))
  const file = await readDeployFile(paths, env).catch(() => null)
  const targets = [...new Set(file?.records.map(({ target }) => target))]
  const histories = targets.map((target) => ({
    uri: uriOfHistory(target),
    name: mask.line(`Deployment history of ${target}`, 200),
    mimeType: 'application/json'
  }))
  return [...incidents, ...histories]
}

/** One incident report, or the newest records of one target. @throws InputError for anything else. */
export async function readResource({ projectDir, env, mask }: ProjectContext, uri: string) {
  const paths = projectPaths(projectDir)
  const incident = (await listIncidents(paths)).find(({ name }) => uri === `${incidentScheme}${name}`)
  if (incident) {
    const text = await readOwnText(incident.path)
    return { contents: [{ uri, mimeType: 'text/markdown', text: mask.text(text) }] }
  }
  if (uri.startsWith(historyScheme)) {
    const file = await readDeployFile(paths, env)
    const records = (file?.records ?? []).filter(({ target }) => uriOfHistory(target) === uri).slice(0, mostRecords)
    return {
      contents: [{ uri, mimeType: 'application/json', text: JSON.stringify(mask.shown(snakeCase(records)), null, 1) }]
    }
  }
  throw new InputError({
    what: `There is no resource ${mask.line(uri, 120)}`,
    why: 'resources are incident reports and the history of each target',
    next: 'List the resources and read one of them.',
    code: 'unknown_resource'
  })
}
