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

test('candidates that only an identity names come as a number, where another one is chosen', async () => {
  const { assess } = await engine(newShelf())
  const assessment = await assess()
  const [chosen] = assessment.candidates
  if (!chosen) throw new Error('no candidate')
  const id = `sha256:${'a'.repeat(64)}`
  const nameless = { ...chosen, good: false, evidenceFor: [], release: { ...chosen.release, version: id, id } }
  const { summary } = renderAssessment({ ...assessment, chosen, candidates: [chosen, nameless, nameless] })
  expect(summary).toContain('Other candidates: 2 without a name')
  const none = { ...assessment, chosen: null, plan: null, candidates: [nameless] }
  expect(renderAssessment(none).summary).toContain(`Other candidates: sha256:${'a'.repeat(12)} (`)
})
