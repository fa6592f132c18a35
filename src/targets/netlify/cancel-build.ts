import { z } from 'zod'
import { defineStep } from '../define-step.ts'
import { cancelCommand, isUnderWay } from './builds.ts'
import type { NetlifyContext } from './context.ts'
import type { NetlifyState } from './observe.ts'
import { deployId } from './shapes.ts'

/** Cancels a build that would be published over the former deploy. What serves does not change. */
export const cancelBuild = defineStep<NetlifyContext, NetlifyState>()({
  kind: 'cancel-build',
  phase: 'prepare',
  params: z.object({ site: z.string(), api: z.string(), build: deployId }),
  describe: (_context, { build }) => ({
    id: `cancel-build:${build}`,
    title: `Cancelling the build ${build}`,
    undo: null,
    manualCommands: [cancelCommand(build)]
  }),
  mismatch({ config }, { build }, { from, to }) {
    if (config.cancel_builds !== true) return 'deploy.json does not say that builds are cancelled'
    return build === from?.id || build === to.id ? `${build} is no running build` : null
  },
  async apply({ netlify, clock }, { build }, run) {
    const deploy = await netlify.readDeploy(build, run.signal)
    if (!deploy || !isUnderWay(deploy, clock.now()))
      return { detail: `${build} has ended (${deploy?.state ?? 'gone'})` }
    await netlify.cancel(build, run.signal)
    return {
      detail: `${build} is cancelled`,
      remains: [`The build ${build} was cancelled. To build it again: "Retry" in Netlify.`]
    }
  }
})
