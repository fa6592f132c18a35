/** What a running rollback tells, as it goes: one line per step, the health check last. */
export interface Progress {
  /** From 1; the health check has the number after the last step of its phase. */
  index: number
  total: number
  title: string
  state: 'started' | 'working' | 'done' | 'failed'
  detail?: string
}

export type ReportProgress = (progress: Progress) => void
