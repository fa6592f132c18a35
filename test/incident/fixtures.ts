import type { Incident } from '../../src/incident/incident.ts'

/** An ordinary incident: 1.2.0 of a container crashed in a loop and was taken back to 1.1.0. */
export const crashLoop: Incident = {
  target: 'docker',
  from: {
    version: '1.2.0',
    id: 'sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    available: { state: 'yes' }
  },
  to: {
    version: '1.1.0',
    id: 'sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',
    available: { state: 'yes' }
  },
  health: { state: 'down', message: 'web exited with code 137, 14 restarts', since: '2026-03-18T14:31:00.000Z' },
  history: [
    { at: '2026-03-18T14:30:45.000Z', target: 'docker', version: '1.2.0', status: 'success' },
    { at: '2026-03-10T09:00:00.000Z', target: 'docker', version: '1.1.0', status: 'success' },
    { at: '2026-03-01T09:00:00.000Z', target: 'docker', version: '1.0.0', status: 'success' }
  ],
  diagnosis: {
    findings: ['web exited with code 137 (out of memory)', 'the last log line names heap_limit'],
    events: [
      ...Array.from({ length: 14 }, (_, n) => ({
        at: new Date(Date.parse('2026-03-18T14:31:02.250Z') + n * 7000).toISOString(),
        text: 'Container web exited with code 137',
        source: 'engine events'
      })),
      { at: '2026-03-18T14:31:00.123456789Z', text: 'Health check failed: connection refused', source: 'health log' }
    ],
    evidence: [
      {
        title: 'Last log lines of web',
        source: 'docker logs web',
        text: 'listening on 3000\nFATAL ERROR: Reached heap limit\n```\nnot the end\n'
      }
    ]
  },
  events: [
    { at: '2026-03-18T14:33:00.000Z', text: 'Rollback to 1.1.0 began', source: 'journal' },
    { at: '2026-03-18T14:33:12.400Z', text: 'Pulling previous image: done', source: 'journal' },
    { at: '2026-03-18T14:33:13.100Z', text: 'Stopping current: done', source: 'journal' },
    { at: '2026-03-18T14:33:14.900Z', text: 'Starting rollback version: done', source: 'journal' },
    { at: '2026-03-18T14:33:15.200Z', text: 'All checks passed', source: 'journal' },
    { at: '2026-03-18T14:33:25.400Z', text: 'Rollback succeeded', source: 'journal' }
  ],
  rollback: {
    id: 'rb-20260318-143300-docker',
    outcome: 'succeeded',
    begunAt: '2026-03-18T14:33:00.000Z',
    endedAt: '2026-03-18T14:33:25.400Z',
    recoveredAt: '2026-03-18T14:33:15.200Z',
    by: 'ada on build-7',
    unattended: false,
    accepted: ['shared_volume:data'],
    steps: [
      { title: 'Pulling previous image', from: '2026-03-18T14:33:00.000Z', until: '2026-03-18T14:33:12.400Z' },
      { title: 'Stopping current', from: '2026-03-18T14:33:12.400Z', until: '2026-03-18T14:33:13.100Z' },
      { title: 'Starting rollback version', from: '2026-03-18T14:33:13.100Z', until: '2026-03-18T14:33:14.900Z' }
    ]
  },
  changes: {
    known: true,
    commits: {
      items: [
        {
          hash: '0123456789abcdef0123456789abcdef01234567',
          at: '2026-03-18T13:58:10.000Z',
          author: 'Ada Lovelace',
          subject: 'Cache every rendered page in memory (#412)'
        },
        {
          hash: '89abcdef0123456789abcdef0123456789abcdef',
          at: '2026-03-17T10:02:00.000Z',
          author: 'Grace Hopper',
          subject: 'Add orders.total | drop orders.sum'
        }
      ],
      more: false
    },
    migrations: [{ tool: 'Prisma', path: 'prisma/migrations/20260317100000_total/migration.sql', change: 'added' }]
  },
  remains: [],
  now: '2026-03-18T14:35:00.000Z'
}
