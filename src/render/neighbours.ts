import { z } from 'zod'
import type { Assessment, Neighbour } from '../rollback/assess/assessment.ts'
import type { NextCall } from '../support/next-call.ts'
import { labelled } from './answer.ts'

export const neighbourSchema = z.strictObject({
  target: z.string(),
  version: z.string().nullable(),
  health: z.string(),
  failed: z.boolean(),
  bond: z.string()
})

type Known = Pick<Assessment, 'target' | 'neighbours'>

/** The other targets of the same release, one line each; nothing where there is none. */
export const neighbourLines = ({ neighbours = [] }: Known): string[] => labelled('with it', neighbours.map(lineOf))

const lineOf = ({ target, version, health, failed, bond }: Neighbour): string =>
  version === null
    ? `${target}: unknown (${health.message})`
    : `${target} ${version}: ${failed ? 'FAILED' : health.state} (${health.message}); ${bond}`

export const neighboursData = ({ neighbours = [] }: Known): { released_with?: z.infer<typeof neighbourSchema>[] } =>
  neighbours.length === 0
    ? {}
    : {
        released_with: neighbours.map(({ target, version, health, failed, bond }) => ({
          target,
          version,
          health: health.state,
          failed,
          bond
        }))
      }

/** The next call that assesses the whole release; none where the target is alone in it. */
export const releaseCall = ({ target, neighbours = [] }: Known): NextCall[] =>
  neighbours.length === 0
    ? []
    : [
        {
          tool: 'assess_rollback',
          arguments: { target: [target, ...neighbours.map((one) => one.target)].join(',') },
          when: 'to take back everything that was deployed with this release'
        }
      ]
