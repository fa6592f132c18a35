import { afterEach, expect, it } from 'vitest'
import type { BuiltServer, ServerOptions } from '../../testkit/built-server.ts'
import { packumentOf } from '../../testkit/npm/registry.ts'
import { describeOn } from '../harness/describe-on.ts'
import { deployment } from '../targets/npm/deployment.ts'
import { bench } from '../targets/npm/package-fixture.ts'

describeOn('npm', 'consent by elicitation, through the built server', (backend) => {
  const project = bench(backend)
  const servers: BuiltServer[] = []
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()))
    await project.cleanUp()
  })

  const attempt = async (person: ServerOptions['person']) => {
    const it = await deployment(project, servers)
    const server = await it.serve({ person })
    const { plan } = await server.call('assess_rollback')
    const before = Object.keys(await it.files()).sort()
    const answer = await server.call('execute_rollback', { target: 'npm', version: '1.1.0', plan_id: plan.id })
    const { latest } = (await packumentOf(backend.url ?? '', it.made.name)).tags
    return { answer, latest, questions: server.questions, before, after: Object.keys(await it.files()).sort() }
  }

  it.each([
    ['a no', 'no', 'declined', 1],
    ['a form that was sent without the tick', 'unticked', 'declined', 1],
    ['a question that was closed', 'cancel', 'not_confirmed', 1],
    ['a host that cannot ask', 'none', 'not_unattended', 0],
    ['a host that can only open a page', 'page', 'not_unattended', 0]
  ] as const)('after %s nothing happened, and it says so', async (_, person, code, asked) => {
    const { answer, latest, questions, before, after } = await attempt(person)
    expect(answer).toMatchObject({ isError: true, ok: false, error: { code } })
    expect(`${answer.summary}`).toMatch(/Nothing (happened|was changed)/)
    expect(questions).toHaveLength(asked)
    expect(latest).toBe('1.2.0')
    expect(after).toEqual(before)
  })

  it('a yes to a question that shows the steps carries them out', async () => {
    const { answer, latest, questions } = await attempt('yes')
    expect(questions[0]).toMatch(/^Roll back npm from 1\.2\.0 to 1\.1\.0\?[\s\S]*1\. Pointing latest to 1\.1\.0/)
    expect(answer).toMatchObject({ ok: true, outcome: 'succeeded' })
    expect(latest).toBe('1.1.0')
  })
})
