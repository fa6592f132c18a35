import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { utcInstant } from '../../src/project/timestamp.ts'
import { bundleProgram, type Program } from './program.ts'

describe('utcInstant', () => {
  it.each([
    ['2026-03-18T14:35:00Z', '2026-03-18T14:35:00.000Z'],
    ['2026-03-18t14:35:00.5z', '2026-03-18T14:35:00.500Z'],
    ['2026-03-18T14:35:00.123456+00:00', '2026-03-18T14:35:00.123Z'],
    ['2026-03-18 14:35:00 +0530', '2026-03-18T09:05:00.000Z'],
    ['2026-03-18T14:35-03', '2026-03-18T17:35:00.000Z'],
    [' 2024-02-29T00:00:00Z ', '2024-02-29T00:00:00.000Z']
  ])('understands %s', (given, instant) => expect(utcInstant(given)).toBe(instant))

  it.each([
    '',
    'yesterday',
    '14:35',
    '2026-3-18',
    '2026-02-30T10:00:00Z',
    '2026-13-01',
    '2026-03-18T24:00:00Z',
    '2026-03-18T10:60:00Z',
    '2026-03-18T10:00:00Z; rm',
    '1773844500'
  ])('does not guess at "%s"', (given) => expect(utcInstant(given)).toBeNull())

  describe('without a zone', () => {
    let program: Program
    beforeAll(async () => {
      program = await bundleProgram('instants')
    })
    afterAll(() => program.remove())

    it.each([
      ['UTC', '2026-03-18T14:35:00.123Z', '2026-07-01T00:00:00.000Z'],
      ['Europe/Berlin', '2026-03-18T13:35:00.123Z', '2026-06-30T22:00:00.000Z'],
      ['America/New_York', '2026-03-18T18:35:00.123Z', '2026-07-01T04:00:00.000Z'],
      ['Asia/Kathmandu', '2026-03-18T08:50:00.123Z', '2026-06-30T18:15:00.000Z'],
      ['Pacific/Kiritimati', '2026-03-18T00:35:00.123Z', '2026-06-30T10:00:00.000Z']
    ])('takes a timestamp as local time in %s', async (TZ, time, date) => {
      const given = ['2026-03-18T14:35:00.123456', '2026-07-01', '2026-03-18T14:35:00.123Z']
      expect(JSON.parse(await program.run(given, { TZ }))).toEqual([time, date, '2026-03-18T14:35:00.123Z'])
    })

    it.each([
      'Europe/Berlin',
      'America/New_York',
      'Australia/Lord_Howe',
      'Asia/Kathmandu',
      'Pacific/Kiritimati',
      'UTC'
    ])('agrees with Date for every half hour of a year in %s', async (TZ) => {
      const given: string[] = []
      for (let at = Date.UTC(2026, 0, 1); at < Date.UTC(2027, 0, 1); at += 1_800_000)
        given.push(`${new Date(at).toISOString().slice(0, -1)}000`)
      const [ours, dates] = JSON.parse(await program.run(['--compare', ...given], { TZ })) as [string[], string[]]
      expect(ours).toEqual(dates)
    })
  })
})
