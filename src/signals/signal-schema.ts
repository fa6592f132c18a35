import { z } from 'zod'
import { ConfigError } from '../support/errors.ts'
import { parseDuration } from '../support/parse-duration.ts'

const webAddress = z
  .url({ protocol: /^https?$/ })
  .refine((text) => !hasLogin(text), 'holds a login: name the variable that has it in bearer_env or basic_env')

/** The prefix says that its value is meant for this: a file of the project must not send another secret of the environment anywhere. */
const variable = z
  .string()
  .regex(
    /^(PROMETHEUS|POP_SIGNAL)_[A-Z0-9_]{1,80}$/,
    'is no name of an environment variable that begins with PROMETHEUS_ or POP_SIGNAL_'
  )

const period = z
  .string()
  .refine((text) => parseDuration(text) !== null, 'is no time such as 30s, 2m or 1h')
  .refine((text) => (parseDuration(text) ?? 0) <= 6 * 3_600_000, 'is longer than 6h')

const proof = z
  .enum(['unverified', 'fail', 'ignore'])
  .nullish()
  .describe(
    'What it means after a rollback when this signal is bad: the rollback ends unverified (default), fails, or takes no notice. Unknown never counts for more than unverified'
  )

const named = {
  name: z
    .string()
    .regex(/^[A-Za-z0-9][\w .:/%()-]{0,59}$/, 'is no name: letters, digits, spaces and . : / % ( ) - _, at most 60')
    .describe('How people call it: "error rate"'),
  proof
}

const number = z.number().refine(Number.isFinite, 'is no number')

const httpSignalSchema = z
  .looseObject({
    ...named,
    http: z
      .looseObject({ url: webAddress, expect_status: z.number().int().min(100).max(599).nullish() })
      .describe(
        'An address whose answer says whether the version serves well: the expected status, else any from 200 to 399'
      )
  })
  .describe('An address that must answer well')

const prometheusSchema = z
  .looseObject({
    url: webAddress.describe(
      'Address of Prometheus, or of another store with its HTTP API (Thanos, Mimir, VictoriaMetrics)'
    ),
    query: z.string().min(1).max(4000).describe('PromQL that gives one number'),
    bearer_env: variable.nullish().describe('Environment variable that holds a bearer token'),
    basic_env: z
      .looseObject({ username: variable, password: variable })
      .nullish()
      .describe('Environment variables that hold a user name and a password')
  })
  .describe('A query of Prometheus')

const prometheusSignalSchema = z
  .looseObject({
    ...named,
    prometheus: prometheusSchema,
    above: number.nullish().describe('Bad when the value is above this'),
    below: number.nullish().describe('Bad when the value is below this'),
    worse_than_before: number
      .refine((factor) => factor > 1, 'is not above 1')
      .nullish()
      .describe('Bad when the value is this many times what it was while the earlier version served'),
    for: period.nullish().describe('How long it must be bad without a break to count: 30s, 2m. Default: 1m'),
    unit: z
      .enum(['ratio', 'percent', 'seconds'])
      .nullish()
      .describe('How people read the value. Default: a bare number')
  })
  .refine(
    ({ above, below, worse_than_before: factor }) => above != null || below != null || factor != null,
    'needs above, below or worse_than_before'
  )
  .refine(({ above, below }) => above == null || below == null, 'has both above and below: make two signals of it')

/** One of `targets.<name>.signals` of deploy.json. */
export const signalSchema = z.union([prometheusSignalSchema, httpSignalSchema])

export type HttpSignal = z.infer<typeof httpSignalSchema>
export type PrometheusSignal = z.infer<typeof prometheusSignalSchema>
export type PrometheusStore = z.infer<typeof prometheusSchema>
export type Signal = HttpSignal | PrometheusSignal

export const isHttp = (signal: Signal): signal is HttpSignal => !('prometheus' in signal)

const mostSignals = 20

/**
 * Reads `targets.<target>.signals` of deploy.json.
 * @throws ConfigError naming the signal and the field that is not valid.
 */
export function signalsOf(target: string, written: readonly unknown[]): Signal[] {
  const signals = written.map((one, at) => {
    const schema = typeof one === 'object' && one !== null && 'http' in one ? httpSignalSchema : prometheusSignalSchema
    const parsed = schema.safeParse(one)
    if (parsed.success) return parsed.data
    throw badSignals(
      target,
      parsed.error.issues
        .map(({ path, message }) => `signals[${at}]${path.map((part) => `.${String(part)}`).join('')}: ${message}`)
        .join('; ')
    )
  })
  if (signals.length > mostSignals) throw badSignals(target, `there are more than ${mostSignals}`)
  const names = signals.map(({ name }) => name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw badSignals(target, `two are called "${twice}"`)
  return signals
}

const badSignals = (target: string, why: string): ConfigError =>
  new ConfigError({
    what: `The signals of ${target} in deploy.json are not valid`,
    why,
    next: `Correct targets.${target}.signals in deploy.json, or take the signal out.`,
    code: 'bad_signals'
  })

function hasLogin(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { username, password } = new URL(text)
  return username !== '' || password !== ''
}
