import { defineSteps } from '../define-steps.ts'
import { checkComposeFiles } from './compose/reminder.ts'
import { composeUp } from './compose/revive.ts'
import { waitForHealth } from './containers/steps/await-health.ts'
import { startBeside, takeOver } from './containers/steps/beside.ts'
import { create } from './containers/steps/create.ts'
import { checkDependents } from './containers/steps/dependents.ts'
import { pullImage } from './containers/steps/pull.ts'
import { rehearse } from './containers/steps/rehearse.ts'
import { forEachReplacement } from './containers/steps/replacement.ts'
import { removeOld, swap } from './containers/steps/swap.ts'
import type { DockerContext } from './context.ts'
import { rollService, serviceSettings } from './swarm/steps.ts'

/** All steps of plans for containers, Compose projects and services of a swarm. */
export const steps = defineSteps<DockerContext>()({
  pull_image: pullImage,
  rehearse: forEachReplacement(rehearse),
  create_container: forEachReplacement(create),
  swap_container: forEachReplacement(swap),
  await_healthy: forEachReplacement(waitForHealth),
  start_beside: forEachReplacement(startBeside),
  take_over: forEachReplacement(takeOver),
  remove_container: forEachReplacement(removeOld),
  dependents: checkDependents,
  compose_up: composeUp,
  compose_files: checkComposeFiles,
  service: rollService,
  service_settings: serviceSettings
})
