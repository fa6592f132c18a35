import { z } from 'zod'
import { TargetError } from '../../../support/errors.ts'
import { oneLine, quoted } from '../../../support/text.ts'

const statusSchema = z.looseObject({ message: z.string().optional() })

/** A failure status that the API server answered with. */
export class ApiFailure extends TargetError {
  readonly status: number

  constructor(doing: string, status: number, body: unknown) {
    const said = statusSchema.safeParse(body).data?.message
    super({
      what: `${doing} failed`,
      why: said ? quoted(withoutValue(said), 600) : `the API server answered ${status}`,
      next: advice(status),
      code: codes[status] ?? `kubernetes_${status}`,
      retryable: status === 429 || status >= 500
    })
    this.status = status
  }
}

/** A refusal quotes the whole value before it says what is wrong with it. */
export const withoutValue = (text: string): string => {
  const [from, to] = [text.indexOf('{'), text.lastIndexOf('}: ')]
  return from >= 0 && to - from > 100 ? `${text.slice(0, from)}{…${text.slice(to)}` : text
}

const codes: Record<number, string> = { 401: 'unauthorized', 403: 'forbidden', 404: 'not_found', 409: 'conflict' }

const advice = (status: number): string => {
  if (status === 401) return 'Log in to the cluster again, as for kubectl.'
  if (status === 403) return 'Use an identity with this right, or have it granted, then assess again.'
  if (status === 404) return 'Check context, namespace and name in deploy.json.'
  if (status === 429 || status >= 500) return 'Wait until the API server has recovered, then assess again.'
  return 'Correct what the API server names, then assess again.'
}

/** Whether an error is an answer of the API server with one of these statuses. */
export const isStatus = (error: unknown, ...statuses: number[]): boolean =>
  error instanceof ApiFailure && statuses.includes(error.status)

/** For `catch`: a value in place of an answer with one of these statuses. */
export const orOn =
  <T>(value: T, ...statuses: number[]) =>
  (error: unknown): T => {
    if (isStatus(error, ...statuses)) return value
    throw error
  }

export const unreachable = (server: string, why: string): TargetError =>
  new TargetError({
    what: 'The Kubernetes API server cannot be reached',
    why: `${server}: ${oneLine(why)}`,
    next: 'Check that "kubectl version" reaches the cluster from here, then try again.',
    code: 'unreachable',
    retryable: true
  })

/** A failure that passes without a change: the server is away, or too busy. */
export const passes = (error: unknown): boolean => error instanceof TargetError && error.retryable
