import { z } from 'zod'
import type { WrittenIncident } from '../incident/write.ts'
import type { Rendered } from './answer.ts'

export const incidentSchema = z.strictObject({
  path: z.string(),
  target: z.string(),
  severity: z.enum(['P1', 'P2', 'P3', 'P4']),
  outage_ms: z.number().nullable()
})

/** A written report: where it is, and what it says in short. */
export const renderIncident = ({
  path,
  target,
  severity,
  severityReason,
  outage,
  outageMs
}: Omit<WrittenIncident, 'markdown'> & { target: string }): Rendered<typeof incidentSchema> => ({
  ok: true,
  summary: `Incident Report: ${path}\nSeverity: ${severity} (${severityReason})\nOutage: ${outage}`,
  next: [],
  data: { path, target, severity, outage_ms: outageMs }
})
