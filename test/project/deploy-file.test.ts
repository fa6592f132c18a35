import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readDeployFile } from '../../src/project/deploy-file.ts'
import { type ProjectPaths, projectPaths } from '../../src/project/paths.ts'
import { ConfigError } from '../../src/support/errors.ts'
import { popkitFile } from './fixtures.ts'

describe('readDeployFile', () => {
  let paths: ProjectPaths
  beforeEach(() => {
    paths = projectPaths(mkdtempSync(join(tmpdir(), 'pop-deploy-file-')))
    mkdirSync(dirname(paths.deployFile), { recursive: true })
  })
  afterEach(() => rmSync(paths.projectDir, { recursive: true, force: true }))

  const write = (content: string | Uint8Array): void => writeFileSync(paths.deployFile, content)
  const read = () => readDeployFile(paths, {})
  const failure = async (content: string | Uint8Array): Promise<ConfigError> => {
    write(content)
    const before = readFileSync(paths.deployFile)
    const error = await read().then(
      () => null,
      (thrown: unknown) => thrown
    )
    expect(error).toBeInstanceOf(ConfigError)
    expect(readFileSync(paths.deployFile).equals(before)).toBe(true)
    return error as ConfigError
  }

  it('is null without a file, and without the folder', async () => {
    expect(await read()).toBeNull()
    expect(await readDeployFile(projectPaths(join(paths.projectDir, 'nowhere')), {})).toBeNull()
  })

  it('reads what popkit writes', async () => {
    write(JSON.stringify(popkitFile, null, 2))
    const file = await read()
    expect([...(file?.targets.keys() ?? [])]).toEqual(['docker', 'npm', 'vercel', 'netlify', 'github_releases', 'pypi'])
    expect(file?.targets.get('docker')).toEqual({
      name: 'docker',
      type: 'docker',
      enabled: true,
      primary: true,
      config: popkitFile.targets.docker.config
    })
    expect(file?.records.map(({ version, status }) => `${version} ${status}`)).toEqual([
      '1.2.0 failed',
      '1.1.0 success'
    ])
    expect(file?.notes).toEqual([])
  })

  it('takes the type from the file', async () => {
    write('{"targets": {"web": {"type": "docker"}}}')
    const file = await read()
    expect(file?.targets.get('web')).toMatchObject({ type: 'docker', enabled: true, config: {} })
  })

  it.each([
    ['a byte order mark', '\uFEFF{"targets": {"npm": {}}}'],
    ['CRLF and tabs', '{\r\n\t"targets":\t{\r\n\t\t"npm": {}\r\n\t}\r\n}\r\n'],
    ['a key that stands twice', '{"targets": {"docker": {}}, "targets": {"npm": {}}}'],
    ['unknown fields', '{"targets": {"npm": {"x": [1]}}, "y": {"z": null}}'],
    ['null where a default will do', '{"targets": {"npm": {"enabled": null, "config": null}}, "history": null}']
  ])('copes with %s', async (_, content) => {
    write(content)
    expect([...((await read())?.targets.keys() ?? [])]).toEqual(['npm'])
  })

  it('keeps a target that is named like a part of every object', async () => {
    write('{"targets": {"constructor": {"config": {"a": 1}}, "toString": {}}}')
    expect([...((await read())?.targets.keys() ?? [])]).toEqual(['constructor', 'toString'])
  })

  it.each([
    ['a missing comma', '{\n  "a": 1\n  "b": 2\n}', /line 3, column 3/],
    ['a trailing comma', '{\r\n  "a": 1,\r\n}', /line 3, column 1/],
    ['a comment', '{\n  // note\n  "a": 1\n}', /line 2, column 3/],
    ['a cut file', '{\n  "targets": {\n', /line 3, column 1/],
    ['a byte order mark and a fault', '\uFEFF{"a": nope}', /line 1, column 7/],
    ['no content', '', /is empty/],
    ['another encoding', Buffer.from('{"a": "\xe9"}', 'latin1'), /not UTF-8/],
    ['a very deep value', `${'['.repeat(200_000)}`, /not valid JSON/]
  ])('names where %s breaks the file, and leaves it alone', async (_, content, where) => {
    expect((await failure(content)).why).toMatch(where)
  })

  it.each([
    ['{"targets": []}', /^targets \(line 1, column 13\)/],
    ['{"targets": {"npm": {"enabled": "yes"}}}', /^targets\.npm\.enabled \(line 1, column 33\).*boolean/],
    ['{"targets": {"a b": {"config": 3}}}', /^targets\["a b"\]\.config/],
    ['{"history": {}}', /^history/],
    ['[]', /^the file.*object/]
  ])('names the JSON path of a wrong shape: %s', async (content, where) => {
    expect((await failure(content)).why).toMatch(where)
  })

  it('reads from the plugin data folder, and says so, only when the project has none', async () => {
    const elsewhere = join(paths.projectDir, 'data')
    mkdirSync(elsewhere)
    writeFileSync(join(elsewhere, 'deploy.json'), '{"project_name": "elsewhere"}')
    const env = { CLAUDE_PLUGIN_DATA: elsewhere }
    const file = await readDeployFile(paths, env)
    expect(file?.path).toBe(join(elsewhere, 'deploy.json'))
    expect(file?.notes.join()).toMatch(/CLAUDE_PLUGIN_DATA names; it is about elsewhere/)
    write('{"project_name": "here"}')
    expect(await readDeployFile(paths, env)).toMatchObject({ path: paths.deployFile, notes: [] })
  })

  it('waits for another writer that is in the middle of the file', async () => {
    write('{"targets": ')
    setTimeout(() => write('{"targets": {"npm": {}}}'), 80)
    expect((await read())?.targets.has('npm')).toBe(true)
  })

  it('says that a file may not be read', async () => {
    write('{}')
    chmodSync(paths.deployFile, 0)
    const isRoot = process.geteuid?.() === 0
    // Root may read everything, so it is nobody for a moment.
    if (isRoot) {
      chmodSync(paths.projectDir, 0o755)
      process.seteuid?.(65_534)
    }
    try {
      await expect(read()).rejects.toThrow(/cannot be read/)
    } finally {
      if (isRoot) process.seteuid?.(0)
    }
  })

  it.each(['/dev/zero', '/dev/tty'])('does not read a device such as %s to its end', async (device) => {
    symlinkSync(device, paths.deployFile)
    await expect(read()).rejects.toThrow(`a link in it leads out of the project, to ${device}`)
  })

  it('does not wait for a pipe', async () => {
    execFileSync('mkfifo', [paths.deployFile])
    await expect(read()).rejects.toThrow(/no regular file/)
  })

  it('says that the place is taken by a folder', async () => {
    mkdirSync(paths.deployFile)
    await expect(read()).rejects.toThrow(/cannot be read/)
  })
})
