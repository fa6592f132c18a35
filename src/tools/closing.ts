import { openSession, type ProjectContext, type Wanted } from '../rollback/open-session.ts'
import type { Session } from '../rollback/session.ts'

/** Opens a target, does the work, and closes the target's connections whatever happens. */
export async function closing<T>(
  project: ProjectContext,
  wanted: Wanted,
  work: (session: Session) => Promise<T>
): Promise<T> {
  const session = await openSession(project, wanted)
  try {
    return await work(session)
  } finally {
    await session.target.close?.()
  }
}
