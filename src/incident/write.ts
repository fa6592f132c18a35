import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProjectPaths } from '../project/paths.ts'
import { stageFile } from '../project/replace-file.ts'
import { ConfigError, messageOf } from '../support/errors.ts'
import type { Mask } from '../support/mask.ts'
import type { Incident, Severity } from './incident.ts'
import { outageOf } from './outage.ts'
import { renderReport } from './report.ts'
import { severityOf } from './severity.ts'

export interface WrittenIncident {
  path: string
  severity: Severity
  severityReason: string
  /** null when it is unknown. */
  outageMs: number | null
  /** What is known of the outage, and from what, for people. */
  outage: string
  markdown: string
}

/**
 * Writes the report of an incident into a file of its own, incident-YYYYMMDD-HHMMSS.md, whole and at once. Every text in it is
 * masked before it is cut or rendered.
 * @throws ConfigError when the folder cannot be written.
 */
export async function writeIncident(
  paths: Pick<ProjectPaths, 'incidentsDir'>,
  incident: Incident,
  mask: Mask
): Promise<WrittenIncident> {
  const masked = mask.shown(incident)
  const outage = outageOf(masked)
  const judged = severityOf(masked)
  const markdown = renderReport(masked, outage, judged)
  return {
    path: await writeNew(paths.incidentsDir, incident.now, markdown),
    severity: judged.severity,
    severityReason: judged.reason,
    outageMs: outage.ms,
    outage: outage.says,
    markdown
  }
}

/** The reports of a project, newest first. */
export async function listIncidents(
  paths: Pick<ProjectPaths, 'incidentsDir'>
): Promise<{ name: string; path: string }[]> {
  const files = await readdir(paths.incidentsDir, { withFileTypes: true }).catch(() => [])
  return files
    .filter((file) => file.isFile())
    .flatMap(({ name }) => {
      const [, stamp, n = '1'] = /^incident-(\d{8}-\d{6})(?:-(\d+))?\.md$/.exec(name) ?? []
      return stamp ? [{ name, order: `${stamp}-${n.padStart(6, '0')}` }] : []
    })
    .sort((a, b) => (a.order < b.order ? 1 : -1))
    .map(({ name }) => ({ name, path: join(paths.incidentsDir, name) }))
}

async function writeNew(folder: string, now: string, markdown: string): Promise<string> {
  const stamp = now.replace(/[-:]/g, '').replace('T', '-').slice(0, 15)
  try {
    await mkdir(folder, { recursive: true })
    for (let n = 1; ; n++) {
      const path = join(folder, `incident-${stamp}${n > 1 ? `-${n}` : ''}.md`)
      const staged = await stageFile(path, markdown)
      try {
        if (await staged.create()) return path
      } finally {
        await staged.discard()
      }
    }
  } catch (cause) {
    throw new ConfigError({
      what: 'The incident report was not written',
      why: messageOf(cause),
      next: `Make ${folder} writable, then ask for the report again.`,
      code: 'incident_not_written',
      cause
    })
  }
}
