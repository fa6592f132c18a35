import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { makeImage } from '../../../testkit/docker/images.ts'
import { createWorld, inspect, isUnhealthy, type World } from '../../../testkit/docker/world.ts'
import { answering, confirming } from '../../harness/command-line.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { createScene, type Scene } from './scene.ts'

const ctrlC = '\u0003'

describeOn('docker', 'Ctrl-C in the middle of a rollback', () => {
  let world: World
  let scene: Scene

  beforeAll(async () => {
    world = createWorld()
    await makeImage(world.repository, '1.1.0')
    await makeImage(world.repository, '1.2.0', { mode: 'unhealthy' })
  })
  afterEach(async () => {
    await scene.close()
    await world.clear()
  })
  afterAll(() => world.remove())

  /** Rolls back on a terminal from a version that takes four seconds to stop; `keys` answer what is shown. */
  const rollBack = async (...keys: [RegExp, string][]) => {
    await world.start(
      'web',
      '1.2.0',
      '-p',
      '127.0.0.1::8080',
      '--restart',
      'always',
      '--stop-signal',
      'SIGURG',
      '--stop-timeout',
      '4'
    )
    await isUnhealthy(`${world.prefix}-web`)
    scene = await createScene(world)
    const command = ['rollback', '--target', 'docker', '--to', '1.1.0']
    return answering(command, scene.project.dir, process.env, [confirming, ...keys])
  }
  const serves = async () => {
    const { Config, State } = await inspect(`${world.prefix}-web`)
    return `${Config.Image} ${State.Status}`
  }

  it('two presses do not end it: they say why, and the good version serves', async () => {
    const { code, stdout } = await rollBack(
      [/\[2\/5\] Stop/, ctrlC],
      [/Finishing the rollback, now "Stopping .*; stopping here could leave docker down/, ctrlC]
    )
    expect(stdout).toMatch(/at the latest\. Press Ctrl-C once more/)
    expect(code).toBe(0)
    expect(await serves()).toBe(`${world.repository}:1.1.0 running`)
  })

  it('the third ends it, and says the command that finishes', async () => {
    const { code, stdout } = await rollBack(
      [/\[2\/5\] Stop/, ctrlC],
      [/stopping here could leave docker down/, ctrlC],
      [/Press Ctrl-C once more/, ctrlC]
    )
    expect(code).toBe(130)
    expect(stdout).toContain('docker may be down, or rolled back in part')
    const { dir } = scene.project
    const finished = await answering(['rollback', '--target', 'docker'], dir, process.env, [
      [/Resume the interrupted rollback how/, 'finish\n'],
      confirming
    ])
    expect(finished.code).toBe(0)
    expect(await serves()).toBe(`${world.repository}:1.1.0 running`)
  })
})
