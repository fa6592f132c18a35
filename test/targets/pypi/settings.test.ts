import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMask } from '../../../src/support/mask.ts'
import { pypiConfigSchema } from '../../../src/targets/pypi/config.ts'
import { discoverPypi } from '../../../src/targets/pypi/discover.ts'
import { unyankLine, yankLine } from '../../../src/targets/pypi/manual-yank.ts'
import { higherVersion, versionOfFile, versionPattern } from '../../../src/targets/pypi/names.ts'
import { settle } from '../../../src/targets/pypi/settings.ts'
import { targetContext } from '../../../testkit/target-context.ts'

describe('PyPI settings', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'pop-pypi-settings-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  const settled = async (config: object, env: NodeJS.ProcessEnv = { HOME: dir }, mask = createMask()) => {
    const context = targetContext({ name: 'pypi', projectDir: dir, env, mask })
    return await settle({ ...context, config: pypiConfigSchema.parse(config) })
  }
  const write = (file: string, text: string) => writeFile(join(dir, file), text)

  test.each([
    ['pyproject.toml', '[project]\nname = "My.Project"\n'],
    ['pyproject.toml', '[tool.poetry]\nname = "My.Project"\n'],
    ['setup.cfg', '[metadata]\nversion = 1\nname = My.Project\n\n[options]\nname = other\n']
  ])('the project is named by %s', async (file, text) => {
    await write(file, text)
    expect(await settled({})).toMatchObject({
      name: 'My.Project',
      path: 'my-project',
      simple: 'https://pypi.org/simple'
    })
  })

  test('config.package comes first; without any name that is an error that says where it was looked for', async () => {
    await write('pyproject.toml', '[project]\nname = "one"\n')
    expect((await settled({ package: 'two' })).name).toBe('two')
    await write('pyproject.toml', 'not [ toml')
    await expect(settled({})).rejects.toMatchObject({ code: 'no_package', why: expect.stringMatching(/setup\.cfg/) })
  })

  test.each([
    [undefined, 'https://pypi.org/simple', 'https://pypi.org', 'PyPI'],
    ['https://upload.pypi.org/legacy/', 'https://pypi.org/simple', 'https://pypi.org', 'PyPI'],
    ['testpypi', 'https://test.pypi.org/simple', 'https://test.pypi.org', 'TestPyPI'],
    ['https://test.pypi.org/legacy/', 'https://test.pypi.org/simple', 'https://test.pypi.org', 'TestPyPI'],
    [
      'https://index.example.com/legacy/',
      'https://index.example.com/simple',
      'https://index.example.com',
      'index.example.com'
    ],
    [
      'https://index.example.com/root/prod/+simple/',
      'https://index.example.com/root/prod/+simple',
      null,
      'index.example.com'
    ],
    [
      'https://index.example.com/api/pypi/local',
      'https://index.example.com/api/pypi/local/simple',
      null,
      'index.example.com'
    ]
  ])('registry %s is understood', async (registry, simple, warehouse, label) => {
    expect(await settled({ package: 'x', registry })).toMatchObject({ simple, warehouse, label })
  })

  test.each(['--index', 'a b', '../x', 'x;id', '-x', 'x'.repeat(200), 'x\u200b'])(
    '%j is no name of a project',
    async (name) => {
      await expect(settled({ package: name })).rejects.toMatchObject({ code: 'bad_package_name' })
    }
  )

  test.each(['1.0;rm', '--pre', '../1', '1.0 0', 'latest', '1.0\u200b', '9'.repeat(300), '1..0'])(
    '%j is no version',
    (version) => {
      expect(versionPattern.test(version)).toBe(false)
    }
  )

  test('a password within an address is masked, and used for that server alone', async () => {
    const mask = createMask()
    const registry = 'https://ada:pass%20word@index.example.com/simple'
    const { login, simple } = await settled({ package: 'x', registry }, { HOME: dir }, mask)
    expect(login?.authorization).toBe(`Basic ${Buffer.from('ada:pass word').toString('base64')}`)
    expect(simple).toBe('https://index.example.com/simple')
    expect(mask.text(`pass word ${login?.authorization}`)).not.toMatch(/pass word|YWRh/)
    const env = { HOME: dir, PIP_INDEX_URL: 'https://ada:other@elsewhere.example/simple' }
    expect((await settled({ package: 'x', registry: 'https://index.example.com/simple' }, env)).login).toBeNull()
  })

  test.each([
    ['my_project-1.2.0-py3-none-any.whl', '1.2.0'],
    ['My.Project-1.2.0rc1-cp312-cp312-linux_x86_64.whl', '1.2.0rc1'],
    ['my-project-1.2.0.post1.tar.gz', '1.2.0.post1'],
    ['my_project-1.0.0-beta.2.zip', '1.0.0b2'],
    ['my_project_extra-1.0.tar.gz', null],
    ['my_project-1.0.exe', null]
  ])('%s is a file of %s', (file, version) => {
    expect(versionOfFile(file, 'My-Project')).toBe(version)
  })

  test.each([
    [['1.2.0', '1.1.5'], '1.2.1'],
    [['1.2'], '1.2.1'],
    [['2026.1.post3'], '2026.1.1'],
    [['1!2.0.9'], '1!2.0.10']
  ])('a version after %j is %s', (versions, higher) => {
    expect(higherVersion(versions)).toBe(higher)
  })

  test('at AWS CodeArtifact the command that hides a version is named, and the one that shows it again', async () => {
    const registry = 'https://my-domain-123456789012.d.codeartifact.eu-west-1.amazonaws.com/pypi/prod/simple/'
    const settings = await settled({ package: 'My.Project', registry })
    const command =
      'aws codeartifact update-package-versions-status --region eu-west-1 --domain my-domain --domain-owner 123456789012 --repository prod --format pypi --package my-project --versions 1.2.0 --target-status'
    expect(yankLine(settings, '1.2.0', 'broken')).toBe(`${command} Unlisted`)
    expect(unyankLine(settings, '1.2.0')).toBe(`${command} Published`)
  })

  test.each([
    [
      'https://git.example/sub/api/packages/acme/pypi',
      'curl -X DELETE -H "Authorization: token $TOKEN" https://git.example/sub/api/v1/packages/acme/pypi/my-project/1.2.0'
    ],
    [
      'https://gitlab.example/api/v4/projects/7/packages/pypi',
      '-X DELETE https://gitlab.example/api/v4/projects/7/packages/ID'
    ],
    [
      'https://devpi.example/root/dev/+simple/',
      'devpi use https://devpi.example/root/dev && devpi remove my-project==1.2.0'
    ]
  ])(
    'at %s, which documents no yank, the command that deletes is named with what it costs',
    async (registry, command) => {
      const settings = await settled({ package: 'My.Project', registry })
      const line = yankLine(settings, '1.2.0', 'broken')
      expect(line).toMatch(/documents no yank.*Download its files first/)
      expect(line.endsWith(command)).toBe(true)
      expect(unyankLine(settings, '1.2.0')).toContain('twine upload')
    }
  )

  test('an address that a shell would read is put into no command', async () => {
    const settings = await settled({ package: 'My.Project', registry: "https://devpi.example/root/$(id)'/+simple/" })
    expect(yankLine(settings, '1.2.0', 'broken')).toMatch(/^Yank or hide/)
  })

  test('a project is discovered where it can be built and is not private', async () => {
    expect(await discoverPypi(dir, {})).toBeNull()
    await write('pyproject.toml', '[project]\nname = "x"\n')
    expect(await discoverPypi(dir, {})).toBeNull()
    await write('pyproject.toml', '[build-system]\nrequires = []\n[project]\nname = "x"\n')
    expect(await discoverPypi(dir, {})).toMatchObject({ because: 'pyproject.toml names the Python project x' })
    await write('pyproject.toml', '[build-system]\n[project]\nname = "x"\nclassifiers = ["Private :: Do Not Upload"]\n')
    expect(await discoverPypi(dir, {})).toBeNull()
  })
})
