import { z } from 'zod'

/** Who is told of a rollback. The address comes from the environment: a file of the project must not decide where messages go. */
export const notifySchema = z.looseObject({
  webhook: z
    .looseObject({
      url_env: z
        .string()
        .regex(/^[A-Za-z_]\w{0,100}$/, 'is no name of a variable')
        .describe('Environment variable that holds the address.'),
      format: z
        .enum(['slack', 'json'])
        .default('json')
        .describe('What is sent: a Slack message, or an object with the facts. Default: json.')
    })
    .describe('A POST to an address when a rollback begins and when it ends.')
})

export type NotifySetting = z.infer<typeof notifySchema>
