import { expect, it } from 'vitest'
import { jobsAmong } from '../../../../../src/targets/docker/compose/jobs.ts'
import { leftAloneNotes, runningJobRisks } from '../../../../../src/targets/docker/containers/observe/left-alone.ts'
import { membersOf } from '../../../../../src/targets/docker/containers/observe/members.ts'
import { replacedLabel } from '../../../../../src/targets/docker/containers/recreate/request.ts'
import type { Container } from '../../../../../src/targets/docker/objects/schemas.ts'
import { composed, containerNamed, ended, port, restart } from '../../../../../testkit/docker/container.ts'

const jobsOf = (found: readonly Container[]) =>
  jobsAmong(found.map(({ Id, Config }) => ({ Id, Labels: Config.Labels, Image: '', ImageID: '', State: '' })))

const parted = (found: Container[], asked: (container: Container) => boolean = () => false) => {
  const isJob = jobsOf(found)
  const members = membersOf(found, isJob, asked)
  const names = (containers: readonly Container[]) => containers.map(({ Name }) => Name)
  const { containers, retired, aside, ambiguous } = members
  return {
    containers: names(containers),
    retired: names(retired),
    aside: names(aside),
    ambiguous,
    notes: leftAloneNotes({ ...members, isJob }),
    risks: runningJobRisks({ ...members, isJob })
  }
}

const web = containerNamed('web', { host: { ...port(80), ...restart('always') } })
const later = '2026-03-18T13:00:00Z'
const created = { Status: 'created', Running: false, ExitCode: 0 }

it.each([
  ['failed', ended(1), 'aside'],
  ['was killed', ended(137), 'retired'],
  ['ended well', ended(0), 'retired'],
  ['was created and never started', created, 'retired']
] as const)('a container without a restart policy that %s is left alone beside one that serves', (_, state, where) => {
  const found = parted([web, containerNamed('purge', { state, created: later })])
  expect(found).toMatchObject({ containers: ['web'], [where]: ['purge'], ambiguous: undefined })
  expect(found.notes).toEqual([expect.stringContaining('purge')])
})

it.each([
  ['a restart policy that gave up', { host: restart('on-failure') }],
  ['a port of its own', { host: port(81) }],
  ['a Compose service', { labels: composed('shop', 'worker') }]
])('a failed container counts where it has %s', (_, parts) => {
  expect(parted([web, containerNamed('worker', { ...parts, state: ended(1) })]).containers).toEqual(['web', 'worker'])
})

it('a service that was killed for want of memory counts', () => {
  const worker = containerNamed('worker', {
    labels: composed('shop', 'worker'),
    state: ended(137, { OOMKilled: true })
  })
  expect(parted([web, worker]).containers).toEqual(['web', 'worker'])
})

it.each([
  ['stopped', 'unless-stopped', ended(143)],
  ['crashed, and lost its port', 'no', ended(1)]
])('a renamed predecessor that was %s counts neither before nor after its image serves again', (_, policy, state) => {
  const old = containerNamed('web-old', { image: 'sha256:old', state, host: { ...port(80), ...restart(policy) } })
  expect(parted([web, old]).containers).toEqual(['web'])
  expect(parted([containerNamed('web', { image: 'sha256:old', host: port(80) }), old]).containers).toEqual(['web'])
})

it('what a rollback left alone does not count once the earlier image serves', () => {
  const old = containerNamed('web-old', { image: 'sha256:old', state: ended(1), host: port(81) })
  const replaced = { [replacedLabel]: '1.2.0 sha256:new no:0 running' }
  const now = containerNamed('web', { image: 'sha256:old', host: port(80), labels: replaced, created: later })
  expect(parted([now, old]).containers).toEqual(['web'])
  const again = containerNamed('web-2', { image: 'sha256:old', state: ended(1), labels: replaced, created: later })
  expect(parted([now, old, again]).containers).toEqual(['web', 'web-2'])
})

it('what an interrupted rollback has created and not started counts', () => {
  const labels = { [replacedLabel]: '1.2.0 sha256:new no:0 running' }
  const next = containerNamed('web-2', { image: 'sha256:old', state: created, labels, created: later })
  expect(parted([web, next]).containers).toEqual(['web', 'web-2'])
})

const migrate = (state: Record<string, unknown>) =>
  containerNamed('shop-migrate-1', { labels: composed('shop', 'migrate'), state, created: later })
const waiting = (state?: Record<string, unknown>) =>
  containerNamed('shop-web-1', {
    labels: composed('shop', 'web', 'migrate:service_completed_successfully:false'),
    ...(state && { state })
  })

it.each([
  ['failed, and the service that waits for it never started', ended(1), created],
  ['ended well, and the service crashed', ended(0), ended(1)],
  ['ended well, and the service runs', ended(0), undefined]
])('a job of Compose that %s is not started again', (_, job, service) => {
  const found = parted([migrate(job), waiting(service)])
  expect(found).toMatchObject({ containers: ['shop-web-1'], aside: ['shop-migrate-1'], risks: [] })
  expect(found.notes).toEqual([expect.stringContaining('shop-migrate-1 is a job')])
})

it('a job that still runs is a serious risk', () => {
  const found = parted([containerNamed('shop-migrate-1', { labels: composed('shop', 'migrate') }), waiting(created)])
  expect(found).toMatchObject({
    containers: ['shop-web-1'],
    risks: [{ id: 'job_running:shop-migrate-1', serious: true }]
  })
})

it('a job that the configuration names counts', () => {
  expect(parted([migrate(ended(1)), waiting()], () => true).containers).toEqual(['shop-migrate-1', 'shop-web-1'])
})

it.each([
  ['--rm', { host: { AutoRemove: true } }],
  ['a terminal', { config: { Tty: true, OpenStdin: true } }]
])('a shell with %s beside the service is left alone, and what to do is said', (_, parts) => {
  const found = parted([containerNamed('shell', { ...parts, created: later }), web])
  expect(found).toMatchObject({ containers: ['web'], aside: ['shell'] })
  expect(found.notes).toEqual([expect.stringContaining('docker stop shell')])
})

it('a service with --rm counts where it publishes a port, or nothing else is there', () => {
  const alone = containerNamed('web', { host: { AutoRemove: true } })
  expect(parted([alone]).containers).toEqual(['web'])
  const published = containerNamed('front', { host: { AutoRemove: true, ...port(81) } })
  expect(parted([published, web]).containers).toEqual(['front', 'web'])
})

it('a service of Compose that has a terminal counts', () => {
  const parts = { labels: composed('shop', 'worker'), config: { Tty: true, OpenStdin: true } }
  const front = containerNamed('front', { labels: composed('shop', 'front'), host: port(80) })
  expect(parted([containerNamed('worker', parts), front]).containers).toEqual(['worker', 'front'])
})

it('with all down, the service counts and not the leftover of a job', () => {
  const stopped = containerNamed('web', { host: { ...port(80), ...restart('always') }, state: ended(143) })
  expect(parted([stopped, containerNamed('purge', { state: ended(1), created: later })]).containers).toEqual(['web'])
})

it('a failed newest container of another image leaves it open which one is meant', () => {
  const stray = containerNamed('other', { image: 'sha256:other', state: ended(3), created: later })
  expect(parted([web, stray]).ambiguous).toContain('other is the newest container and does not run, while web runs')
})
