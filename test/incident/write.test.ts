import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Incident } from '../../src/incident/incident.ts'
import { listIncidents, writeIncident } from '../../src/incident/write.ts'
import { projectPaths } from '../../src/project/paths.ts'
import { createMask } from '../../src/support/mask.ts'
import { crashLoop } from './fixtures.ts'

describe('writeIncident', () => {
  let paths: ReturnType<typeof projectPaths>
  beforeEach(() => {
    paths = projectPaths(mkdtempSync(join(tmpdir(), 'pop-incident-')))
  })
  afterEach(() => rmSync(paths.projectDir, { recursive: true, force: true }))

  it('writes a file named after the time, and gives what it found', async () => {
    const written = await writeIncident(paths, crashLoop, createMask())
    expect(written).toMatchObject({ severity: 'P1', outageMs: 135_200 })
    expect(written.path).toBe(join(paths.incidentsDir, 'incident-20260318-143500.md'))
    expect(readFileSync(written.path, 'utf8')).toBe(written.markdown)
  })

  it('never writes over another report, also when many are written at once', async () => {
    const written = await Promise.all(Array.from({ length: 12 }, () => writeIncident(paths, crashLoop, createMask())))
    expect(new Set(written.map(({ path }) => path)).size).toBe(12)
    const names = readdirSync(paths.incidentsDir)
    expect(names).toHaveLength(12)
    for (const name of names) expect(name).toMatch(/^incident-20260318-143500(-\d+)?\.md$/)
  })

  it('lists reports newest first and nothing else', async () => {
    expect(await listIncidents(paths)).toEqual([])
    for (const now of ['2026-03-18T14:35:00.000Z', '2026-03-18T14:35:00.000Z', '2026-04-01T00:00:00.000Z'])
      await writeIncident(paths, { ...crashLoop, now }, createMask())
    for (const other of ['notes.md', 'incident-x.md', 'incident-20260318-143500.md.1-0123456789ab.tmp'])
      writeFileSync(join(paths.incidentsDir, other), '')
    expect((await listIncidents(paths)).map(({ name }) => name)).toEqual([
      'incident-20260401-000000.md',
      'incident-20260318-143500-2.md',
      'incident-20260318-143500.md'
    ])
  })

  it('masks a secret in every field, also one that invisible characters split or a cap would cut', async () => {
    const secret = 'hunter2-correct-horse-battery'
    const split = `${secret.slice(0, 8)}\u200b${secret.slice(8)}`
    const mask = createMask()
    mask.add(secret)
    const poisoned = JSON.parse(JSON.stringify(crashLoop), (key, value) =>
      typeof value === 'string' &&
      !['at', 'state', 'begunAt', 'endedAt', 'recoveredAt', 'change', 'now', 'since'].includes(key)
        ? `${secret} ${split} ${value}`
        : value
    ) as Incident
    const long = { title: 'log', source: 'x', text: `${secret}${'y'.repeat(7990)}` }
    const incident: Incident = {
      ...poisoned,
      rootCause: secret,
      impact: split,
      notes: secret,
      remains: [`TOKEN=${secret}`],
      diagnosis: poisoned.diagnosis && { ...poisoned.diagnosis, evidence: [long, ...poisoned.diagnosis.evidence] }
    }
    const { path } = await writeIncident(paths, incident, mask)
    const text = readFileSync(path, 'utf8')
    for (let at = 0; at + 10 <= secret.length; at++) expect(text).not.toContain(secret.slice(at, at + 10))
    expect(text).toContain('\\*\\*\\*')
  })

  it('keeps the report whole when evidence holds the beginning of a private key', async () => {
    const text = '-----BEGIN RSA PRIVATE KEY-----\nMIIEsecret'
    const evidence = [{ title: 'log', source: 'x', text }]
    const { markdown } = await writeIncident(
      paths,
      { ...crashLoop, diagnosis: { findings: [], events: [], evidence } },
      createMask()
    )
    expect(markdown).not.toContain('MIIEsecret')
    expect(markdown).toMatch(/## What Remains\n\nNothing\.\n$/)
  })

  it('says why when the folder cannot be written', async () => {
    writeFileSync(join(paths.projectDir, '.claude'), '')
    await expect(writeIncident(paths, crashLoop, createMask())).rejects.toMatchObject({ code: 'incident_not_written' })
    expect(existsSync(paths.incidentsDir)).toBe(false)
    expect(basename(paths.incidentsDir)).toBe('incidents')
  })
})
