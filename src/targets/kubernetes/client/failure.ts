import { z } from 'zod'
import { TargetError } from '../../../support/errors.ts'
import { oneLine } from '../../../support/text.ts'

const statusSchema = z.looseObject({
  message: z.string().optional(),
  reason: z.string().optional(),
  details: z
    .looseObject({
      causes: z.array(z.looseObject({ field: z.string().optional(), message: z.string().optional() })).nullish()
    })
    .nullish()
})

/** An answer of the API server that is no success. */
export class ApiFailure extends TargetError {
  readonly status: number
  readonly reason: string

  constructor(doing: string, status: number, body: unknown) {
    const said = statusSchema.safeParse(body)
    const message = said.success ? said.data.message : undefined
    super({
      what: `${doing} failed`,
      why: oneLine(message ?? `the API server answered ${status}`, 600),
      next: advice(status),
      code: codes[status] ?? `kubernetes_${status}`,
      retryable: status === 429 || status >= 500
    })
    this.status = status
    this.reason = (said.success && said.data.reason) || ''
  }
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

export const unreachable = (server: string, why: string): TargetError =>
  new TargetError({
    what: 'The Kubernetes API server cannot be reached',
    why: `${server}: ${oneLine(why)}`,
    next: 'See that "kubectl version" reaches the cluster from here, then try again.',
    code: 'unreachable',
    retryable: true
  })

/** A failure that passes by itself: the server is away, or too busy. */
export const passes = (error: unknown): boolean => error instanceof TargetError && error.retryable
