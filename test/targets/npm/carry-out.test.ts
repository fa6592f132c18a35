import { afterEach, expect, test } from 'vitest'
import type { Step } from '../../../src/model/step.ts'
import { packumentOf } from '../../../testkit/npm/registry.ts'
import { testRun } from '../../../testkit/target-context.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { bench, moveTag, open, type Project, planTo } from './package-fixture.ts'

describeOn('npm', 'npm steps', (backend) => {
  const { fresh, behind, cleanUp } = bench(backend)
  afterEach(cleanUp)

  const broken = async (token?: string, name?: string): Promise<Project> => {
    const made = await fresh(token, name)
    await made.publish('1.1.0')
    await made.publish('1.2.0')
    return made
  }
  const stepsOf = async (made: Project): Promise<[Step, Step]> => {
    const [setTag, deprecate] = (await planTo(await open(made), '1.1.0')).steps
    if (!setTag || !deprecate) throw new Error('two steps were expected')
    return [setTag, deprecate]
  }
  const now = (made: Project) => packumentOf(backend.url ?? '', made.name)

  test('setting the tag and deprecating are seen on the registry, and may be repeated', async () => {
    const made = await broken()
    const target = await open(made)
    const [setTag, deprecate] = await stepsOf(made)
    await target.apply(setTag, testRun())
    expect((await now(made)).tags.latest).toBe('1.1.0')
    await target.apply(deprecate, testRun())
    expect((await now(made)).deprecated('1.2.0')).toContain(`${made.name}@1.1.0`)
    expect((await target.apply(setTag, testRun())).detail).toMatch(/already/)
    expect((await target.apply(deprecate, testRun())).detail).toMatch(/already/)
    expect((await now(made)).tags).toEqual({ latest: '1.1.0' })
  })

  test('reverting restores tag and deprecation as they were, whatever part was done', async () => {
    const made = await broken()
    const target = await open(made)
    const [setTag, deprecate] = await stepsOf(made)
    for (const done of [[], [setTag], [setTag, deprecate]]) {
      for (const step of done) await target.apply(step, testRun())
      await target.revert(deprecate, testRun())
      await target.revert(setTag, testRun())
      const { tags, deprecated } = await now(made)
      expect(tags).toEqual({ latest: '1.2.0' })
      expect(deprecated('1.2.0')).toBeFalsy()
    }
  })

  test('every step of a plan with other tags, and with versions between, is seen on the registry and can be taken back', async () => {
    const made = await fresh()
    for (const version of ['1.1.0', '1.2.0-beta.1', '1.2.0']) await made.publish(version)
    await moveTag(backend, made.name, 'next', '1.2.0')
    const target = await open(made, { config: { deprecate: 'between' } })
    const { steps } = await planTo(target, '1.1.0')
    for (const step of steps) await target.apply(step, testRun())
    const after = await now(made)
    expect(after.tags).toEqual({ latest: '1.1.0', next: '1.1.0' })
    expect(after.deprecated('1.2.0-beta.1')).toContain(`${made.name}@1.1.0`)
    for (const step of steps.toReversed()) await target.revert(step, testRun())
    const before = await now(made)
    expect(before.tags).toEqual({ latest: '1.2.0', next: '1.2.0' })
    expect(before.deprecated('1.2.0-beta.1')).toBeFalsy()
  })

  test('reverting restores a former deprecation message', async () => {
    const made = await fresh()
    await made.publish('1.1.0')
    await made.publish('1.2.0', { manifest: { deprecated: 'careful' } })
    const target = await open(made)
    const [setTag, deprecate] = await stepsOf(made)
    await target.apply(setTag, testRun())
    await target.apply(deprecate, testRun())
    await target.revert(deprecate, testRun())
    expect((await now(made)).deprecated('1.2.0')).toBe('careful')
  })

  test('a tag that somebody else moved is left alone, forwards and backwards', async () => {
    const made = await broken()
    const target = await open(made)
    const [setTag] = await stepsOf(made)
    await made.publish('1.3.0')
    await expect(target.apply(setTag, testRun())).rejects.toMatchObject({
      code: 'moved',
      state: expect.stringMatching(/1\.3\.0/)
    })
    await expect(target.revert(setTag, testRun())).rejects.toMatchObject({ code: 'moved' })
    expect((await now(made)).tags.latest).toBe('1.3.0')
  })

  test('a deprecation that somebody else wrote is left alone', async () => {
    const made = await broken()
    const target = await open(made)
    const [setTag, deprecate] = await stepsOf(made)
    await target.apply(setTag, testRun())
    await target.apply({ ...deprecate, params: { ...deprecate.params, message: 'their words' } }, testRun())
    await expect(target.apply(deprecate, testRun())).rejects.toMatchObject({ code: 'moved' })
    await expect(target.revert(deprecate, testRun())).rejects.toMatchObject({ code: 'moved' })
    expect((await now(made)).deprecated('1.2.0')).toBe('their words')
  })

  test('deprecating never moves the tag back: a document with the old tag is not sent', async () => {
    const made = await broken()
    const [, deprecate] = await stepsOf(made)
    await expect((await open(made)).apply(deprecate, testRun())).rejects.toMatchObject({ code: 'stale_document' })
    expect((await now(made)).deprecated('1.2.0')).toBeFalsy()
  })

  test('a login without the right to write changes nothing and says so', async () => {
    const made = await broken(backend.reader)
    const [setTag] = await stepsOf(made)
    await expect((await open(made)).apply(setTag, testRun())).rejects.toMatchObject({
      code: 'no_rights',
      state: 'latest still points at 1.2.0.'
    })
    expect((await now(made)).tags.latest).toBe('1.2.0')
  })

  test('a registry that goes down in between is told with the state', async () => {
    const made = await broken()
    const faulty = await behind(made, ({ method }) => (method === 'PUT' ? 'hang up' : undefined))
    const [setTag] = await stepsOf(made)
    await expect((await open(made)).apply(setTag, testRun())).rejects.toMatchObject({
      code: 'registry_down',
      retryable: true
    })
    expect(faulty.log.filter((line) => line.startsWith('PUT'))).toHaveLength(1)
  })

  test('a conflict on deprecating reads the package again and succeeds', async () => {
    const made = await broken()
    let conflicts = 2
    const faulty = await behind(made, ({ method, path }) =>
      method === 'PUT' && path === `/${made.name}` && conflicts-- > 0
        ? { status: 409, body: { error: 'conflict' } }
        : undefined
    )
    const target = await open(made)
    const [setTag, deprecate] = await stepsOf(made)
    await target.apply(setTag, testRun())
    await target.apply(deprecate, testRun())
    expect((await now(made)).deprecated('1.2.0')).toMatch(/rolled back/)
    expect(faulty.log.filter((line) => line === `GET /${made.name}?write=true`)).toHaveLength(3)
  })

  test('conflicts without end are given up', async () => {
    const made = await broken()
    await behind(made, ({ method, path }) =>
      method === 'PUT' && path === `/${made.name}` ? { status: 409 } : undefined
    )
    const target = await open(made)
    const [setTag, deprecate] = await stepsOf(made)
    await target.apply(setTag, testRun())
    await expect(target.apply(deprecate, testRun())).rejects.toMatchObject({ code: 'conflict' })
  })

  test('a registry that shows the new tag late is waited for', async () => {
    const made = await broken()
    let stale = 2
    await behind(made, async ({ method, path }) => {
      if (method !== 'GET' || !path.endsWith('/dist-tags') || (await now(made)).tags.latest !== '1.1.0')
        return undefined
      return stale-- > 0 ? { status: 200, body: { latest: '1.2.0' } } : undefined
    })
    const run = testRun()
    const [setTag] = await stepsOf(made)
    expect((await (await open(made)).apply(setTag, run)).detail).toBe('latest is 1.1.0')
    expect(run.said.join()).toMatch(/still answers 1\.2\.0/)
  })

  test('a tag that did not exist is set, and removed again', async () => {
    const made = await broken()
    const target = await open(made, { config: { tag: 'stable' } })
    const observation = (await target.observe(testRun().signal)).observation
    expect(observation.current).toBeNull()
    expect(observation.health.state).toBe('down')
    const { steps } = await planTo(target, '1.1.0')
    expect(steps).toHaveLength(1)
    const [step] = steps as [Step]
    await target.apply(step, testRun())
    expect((await now(made)).tags.stable).toBe('1.1.0')
    await target.revert(step, testRun())
    expect((await now(made)).tags.stable).toBeUndefined()
  })

  test('a scoped package that only members may read is rolled back with the login', async () => {
    const made = await broken(undefined, `@members/pop-${process.pid}-${Date.now().toString(36)}`)
    const target = await open(made)
    const [setTag, deprecate] = await stepsOf(made)
    await target.apply(setTag, testRun())
    await target.apply(deprecate, testRun())
    const { current, releases } = (await target.observe(testRun().signal)).observation
    expect(current?.version).toBe('1.1.0')
    expect(releases[0]?.against?.[0]).toMatch(/deprecated/)
  })

  test('a step that was planned for another package or registry is not carried out', async () => {
    const made = await broken()
    const [setTag] = await stepsOf(made)
    const elsewhere = { ...setTag, params: { ...setTag.params, package: 'another' } }
    await expect((await open(made)).apply(elsewhere, testRun())).rejects.toMatchObject({ code: 'foreign_step' })
  })

  test('a tag moved in between the plan and the step is not overwritten', async () => {
    const made = await broken()
    const [setTag] = await stepsOf(made)
    await moveTag(backend, made.name, 'latest', '1.1.0')
    expect((await (await open(made)).apply(setTag, testRun())).detail).toMatch(/already points at 1\.1\.0/)
  })
})
