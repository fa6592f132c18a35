import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { committedAutomatic } from '../project/committed-automatic.ts'
import type { ProjectContext } from '../rollback/session.ts'
import type { ToolCall } from '../tools/define-tool.ts'
import { type Host, promptsByItself, requireConsent, requireGroupConsent } from './consent.ts'

const answerWithinMs = 10 * 60_000

interface Extra {
  signal: AbortSignal
  sendNotification(notification: {
    method: 'notifications/progress'
    params: { progressToken: string | number; progress: number; message: string }
  }): Promise<void>
}

/** Ties one tool call to the host it came from: progress, cancellation, consent. */
export function hostCall(
  server: Server,
  project: ProjectContext,
  extra: Extra,
  progressToken?: string | number
): ToolCall {
  let told = 0
  return {
    project,
    cancelled: extra.signal,
    report({ index, total, title, state, detail }) {
      if (progressToken === undefined) return
      const words = [
        `[${index}/${total}] ${title}...`,
        state === 'working' || state === 'serving' ? '' : state,
        detail ?? ''
      ]
      const message = project.mask.line(words.filter((word) => word !== '').join(' '))
      const params = { progressToken, progress: ++told, message }
      void extra.sendNotification({ method: 'notifications/progress', params }).catch(() => undefined)
    },
    attended() {
      const host = hostOf(server, extra.signal)
      return progressToken !== undefined && (promptsByItself(host) || host.ask !== undefined)
    },
    consent: (assessment, option) =>
      requireConsent(hostOf(server, extra.signal), project.mask.shown({ assessment, option }), () =>
        committedAutomatic(project.projectDir, project.env, assessment.target)
      ),
    group: {
      consent: (assessment, option) =>
        requireGroupConsent(hostOf(server, extra.signal), project.mask.shown({ assessment, option }), (target) =>
          committedAutomatic(project.projectDir, project.env, target)
        )
    }
  }
}

function hostOf(server: Server, signal: AbortSignal): Host {
  const { name = 'the host', version = '' } = server.getClientVersion() ?? {}
  const asking = server.getClientCapabilities()?.elicitation
  // a host that only opens pages cannot show the question
  if (!asking || (asking.url && !asking.form)) return { name, version }
  return { name, version, ask: (message) => ask(server, message, signal) }
}

/** Asks by elicitation. A decline is a no, also where no person saw the question. */
async function ask(server: Server, message: string, signal: AbortSignal): Promise<'yes' | 'no' | 'cancelled'> {
  try {
    const { action, content } = await server.elicitInput(
      {
        message,
        requestedSchema: {
          type: 'object',
          properties: { confirm: { type: 'boolean', title: 'Roll back now', default: false } },
          required: ['confirm']
        }
      },
      { timeout: answerWithinMs, signal }
    )
    if (action === 'accept') return content?.confirm === true ? 'yes' : 'no'
    return action === 'decline' ? 'no' : 'cancelled'
  } catch {
    return 'cancelled'
  }
}
