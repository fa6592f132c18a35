import { z } from 'zod'
import type { JsonObject } from '../src/model/json.ts'
import type { LeaseRecord } from '../src/model/lease.ts'
import type { Blocker, HealthState, Observation } from '../src/model/observation.ts'
import type { Release } from '../src/model/release.ts'
import type { Step } from '../src/model/step.ts'
import { fingerprint } from '../src/support/canonical.ts'
import { TargetError } from '../src/support/errors.ts'
import { defineStep } from '../src/targets/define-step.ts'
import { defineSteps } from '../src/targets/define-steps.ts'
import { defineTarget, type TargetType } from '../src/targets/define-target.ts'
import { mayTakeLease } from '../src/targets/may-take-lease.ts'
import type { Run, Target } from '../src/targets/target.ts'

/** A target in memory, and the faults that a test wants of it: a shelf on which one of several versions stands in front. */
export interface Shelf {
  serving: string
  fetched: string[]
  cleaned: string[]
  health: Record<string, HealthState>
  /** How many of four instances serve while a version does. */
  instances?: Record<string, number>
  /** How often each version was looked at; a health may change from one look to the next. */
  looks: number
  healthAtLook?: (version: string, look: number) => HealthState
  /** Called before each step does its work; throws to fail it. */
  beforeStep?: (verb: 'apply' | 'revert', step: Step, run: Run) => void | Promise<void>
  /** What a check sees, where it is not what the observation says. */
  checked?: Record<string, HealthState>
  surveyFails?: boolean
  /** Neither an observation nor a check gets an answer. */
  silent?: boolean
  /** What its log says, and nobody else may know. */
  secret?: string
  mixedReleases?: boolean
  lease?: { record: LeaseRecord; expired: boolean }
  /** Every renewal finds that somebody else has taken the lease. */
  leaseLost?: boolean
  log: string[]
  manual?: string[]
  /** What `revert` of the switch tells a person to do. */
  manualBack?: string[]
  releases: Release[]
  extraFingerprint: JsonObject
  risks: { id: string; serious: boolean; title: string; detail: string }[]
  /** Why the plan of now cannot be carried out. */
  blockers: Blocker[]
}

export const release = (version: string, more: Partial<Release> = {}): Release => ({
  version,
  id: `sha256:${version}`,
  available: { state: 'yes' },
  ...more
})

export const newShelf = (more: Partial<Shelf> = {}): Shelf => ({
  serving: '1.2.0',
  fetched: [],
  cleaned: [],
  health: { '1.2.0': 'down', '1.1.0': 'healthy', '1.0.0': 'healthy' },
  looks: 0,
  log: [],
  releases: [release('1.0.0'), release('1.1.0'), release('1.2.0')],
  extraFingerprint: {},
  risks: [],
  blockers: [],
  ...more
})

const texts = (kind: string, undo: string | null) => ({
  id: kind,
  title: `${kind[0]?.toUpperCase()}${kind.slice(1)}ing`,
  undo,
  manualCommands: [`shelf ${kind}`],
  manualUndoCommands: [`shelf un${kind}`]
})

const versionParams = z.object({ version: z.string() })
const step = defineStep<Shelf, null>()

const fetch = step({
  kind: 'fetch',
  phase: 'prepare',
  params: versionParams,
  describe: () => texts('fetch', 'Throw the fetched version away'),
  mismatch: (_shelf, { version }, { to }) => (version === to.version ? null : `it fetches ${version}`),
  async apply(shelf, { version }) {
    if (!shelf.fetched.includes(version)) shelf.fetched.push(version)
    return { detail: 'ok' }
  },
  async revert(shelf, { version }) {
    shelf.fetched = shelf.fetched.filter((one) => one !== version)
    return {}
  }
})

const switchTo = step({
  kind: 'switch',
  phase: 'switch',
  params: z.object({ from: z.string(), to: z.string() }),
  describe: (_shelf, { from }) => texts('switch', `Switch back to ${from}`),
  mismatch: (_shelf, { from, to }, known) =>
    from === (known.from?.version ?? '') && to === known.to.version ? null : `it goes from ${from} to ${to}`,
  async apply(shelf, { to }) {
    if (shelf.manual) return { manual: shelf.manual }
    shelf.serving = to
    return { detail: 'ok' }
  },
  async revert(shelf, { from }) {
    if (shelf.manualBack) return { manual: shelf.manualBack }
    shelf.serving = from
    return {}
  }
})

const clean = step({
  kind: 'clean',
  phase: 'cleanup',
  params: versionParams,
  describe: () => texts('clean', null),
  mismatch: (_shelf, { version }, { from }) => (version === (from?.version ?? '') ? null : `it cleans ${version}`),
  async apply(shelf, { version }) {
    if (!shelf.cleaned.includes(version)) shelf.cleaned.push(version)
    return { detail: 'ok' }
  }
})

/** What the steps do. Each is safe to repeat. */
const steps = defineSteps([fetch, switchTo, clean])

/** A type of target with nothing but this `open`; what else it says of itself is as small as can be. */
export const typeInMemory = (open: TargetType['open'], parts: Partial<TargetType> = {}): TargetType =>
  defineTarget({
    label: 'In memory',
    holds: 'traffic',
    goesBackBy: 'putting an earlier version in front',
    needs: 'nothing',
    hosts: [],
    deployTools: { commands: ['shelf deploy'], failure: { own: /^cannot put/m, anywhere: /^shelf: cannot put/m } },
    configSchema: z.looseObject({}),
    version: { pattern: /^\d+\.\d+\.\d+$/, says: 'a version' },
    discover: async () => null,
    open,
    ...parts
  })

export function shelfTarget(shelf: Shelf, { leases = false } = {}): Target {
  const act = async (verb: 'apply' | 'revert', step: Step, run: Run): Promise<void> => {
    shelf.log.push(`${verb} ${step.id}`)
    await shelf.beforeStep?.(verb, step, run)
  }
  const stateOf = (version: string): HealthState =>
    shelf.healthAtLook?.(version, ++shelf.looks) ?? shelf.checked?.[version] ?? shelf.health[version] ?? 'unknown'
  return {
    async observe() {
      if (shelf.surveyFails || shelf.silent)
        throw new TargetError({ what: 'The shelf does not answer', why: 'it is away', next: 'Wait.', retryable: true })
      const state = shelf.health[shelf.serving] ?? 'unknown'
      const observation: Observation = {
        current: shelf.releases.find(({ version }) => version === shelf.serving) ?? null,
        health: {
          state,
          message: `the shelf says ${state}`,
          ...(shelf.instances && { instances: { serving: shelf.instances[shelf.serving] ?? 0, all: 4 } })
        },
        releases: shelf.releases.filter(({ version }) => version !== shelf.serving),
        risks: shelf.risks,
        blockers: shelf.blockers,
        fingerprint: fingerprint({ serving: shelf.serving, ...shelf.extraFingerprint }),
        notes: [],
        ...(shelf.mixedReleases && { mixedReleases: true }),
        ...(shelf.lease && { lease: { ...shelf.lease } })
      }
      return { observation, state: null }
    },
    async plan(observation, _state, to) {
      const from = observation.current?.version ?? ''
      const move = { from: observation.current, to }
      return {
        steps: [
          fetch.plan(shelf, { version: to.version }, move),
          switchTo.plan(shelf, { from, to: to.version }, move),
          clean.plan(shelf, { version: from }, move)
        ],
        risks: [],
        blockers: shelf.blockers,
        fingerprint: fingerprint({ candidate: to.id }),
        notes: []
      }
    },
    reread: (all, known) => steps.reread(shelf, all, { ...known, state: null }),
    async apply(step, run) {
      await act('apply', step, run)
      return steps.apply(shelf, step, run)
    },
    async revert(step, run) {
      await act('revert', step, run)
      return steps.revert(shelf, step, run)
    },
    async check(wanted) {
      if (shelf.silent)
        return {
          checks: [{ id: 'identity', title: 'Version', status: 'unknown', detail: 'the shelf does not answer' }],
          observed: {}
        }
      const state = stateOf(shelf.serving)
      const identity = shelf.serving === wanted.version
      return {
        checks: [
          { id: 'identity', title: 'Version', status: identity ? 'pass' : 'fail', detail: shelf.serving },
          {
            id: 'health',
            title: 'Health',
            status: state === 'healthy' ? 'pass' : state === 'unknown' ? 'unknown' : 'fail',
            detail: state
          }
        ],
        observed: {}
      }
    },
    diagnose: async () => ({
      findings: ['it is broken'],
      events: [],
      evidence: shelf.secret ? [{ title: 'Log', source: 'shelf log', text: `opened with ${shelf.secret}` }] : []
    }),
    ...(leases && {
      lease: {
        async acquire(record: LeaseRecord) {
          if (shelf.lease && !mayTakeLease(shelf.lease, record))
            throw new TargetError({ what: 'Held', why: 'by another', next: 'Wait.', code: 'locked' })
          const mine = { record, expired: false }
          shelf.lease = mine
          return {
            async renew() {
              if (shelf.leaseLost)
                throw new TargetError({ what: 'Lost', why: 'to another', next: 'Wait.', code: 'lease_lost' })
            },
            async markProven() {
              mine.record = { ...mine.record, proven: true }
            },
            async release() {
              if (shelf.lease === mine) delete shelf.lease
            }
          }
        }
      }
    })
  }
}
