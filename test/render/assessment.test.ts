import { expect, test } from 'vitest'
import { renderAssessment } from '../../src/render/assessment.ts'
import { newShelf } from '../../testkit/in-memory-target.ts'
import { engine } from '../rollback/engine-harness.ts'

test('the next calls accept no risk that nobody was asked about', async () => {
  const risks = [{ id: 'moved', serious: true, title: 'Moved', detail: 'tag' }]
  const { assess } = await engine(newShelf({ risks }))
  const assessment = await assess()
  const [call, dry] = renderAssessment(assessment).next
  const plan = { target: 'shelf', version: '1.1.0', plan_id: assessment.plan?.id }
  expect(call).toEqual({
    tool: 'execute_rollback',
    arguments: plan,
    when: 'to roll back, once a person accepted each serious risk: pass their ids in accept'
  })
  expect(dry?.arguments).toEqual({ ...plan, dry_run: true })
})

test('candidates that only an identity names come last, newest first, where another one is chosen', async () => {
  const { assess } = await engine(newShelf())
  const assessment = await assess()
  const [chosen] = assessment.candidates
  if (!chosen) throw new Error('no candidate')
  const id = `sha256:${'a'.repeat(64)}`
  const nameless = { ...chosen, good: false, evidenceFor: [], release: { ...chosen.release, version: id, id } }
  const built = (version: string, createdAt: string) => ({
    ...nameless,
    release: { ...nameless.release, version, id: version, createdAt }
  })
  const older = built(`sha256:${'b'.repeat(64)}`, '2026-03-16T10:00:00.000Z')
  const newer = built(id, '2026-03-17T22:10:30.000Z')
  const { summary } = renderAssessment({ ...assessment, chosen, candidates: [chosen, older, newer] })
  expect(summary).toContain(
    `2 without a name: sha256:${'a'.repeat(12)} (built 2026-03-17 22:10 UTC), sha256:${'b'.repeat(12)} (`
  )
  const none = { ...assessment, chosen: null, plan: null, candidates: [nameless] }
  expect(renderAssessment(none).summary).toContain(`  or       sha256:${'a'.repeat(12)} (`)
})
