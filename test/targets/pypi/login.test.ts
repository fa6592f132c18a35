import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMask } from '../../../src/support/mask.ts'
import { findLogin } from '../../../src/targets/pypi/login.ts'
import { netrcLogin } from '../../../src/targets/pypi/netrc.ts'

const index = 'https://index.example.com/simple'

describe('a login for an index of one’s own', () => {
  let home: string
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'pop-pypi-login-'))
  })
  afterEach(() => rm(home, { recursive: true, force: true }))

  const write = async (file: string, text: string) => {
    await mkdir(dirname(join(home, file)), { recursive: true })
    await writeFile(join(home, file), text)
  }
  const found = async (env: NodeJS.ProcessEnv = {}, address = index, mask = createMask()) => {
    const { login, places } = await findLogin(new URL(address), 'registry', { env: { HOME: home, ...env }, mask })
    const header = login?.authorization.replace('Basic ', '')
    return { from: login?.from, places, is: header && Buffer.from(header, 'base64').toString() }
  }

  test.each([
    [{ PIP_INDEX_URL: 'https://ada:one@index.example.com/simple' }, 'ada:one'],
    [{ PIP_EXTRA_INDEX_URL: 'https://a.example/ https://ada:p%40@index.example.com/x' }, 'ada:p@'],
    [{ UV_INDEX: 'own=https://ada:uv@index.example.com/simple' }, 'ada:uv'],
    [{ UV_INDEX_URL: 'https://a-token@index.example.com/simple' }, 'a-token:'],
    [
      { TWINE_REPOSITORY_URL: 'https://index.example.com/legacy/', TWINE_USERNAME: 'ada', TWINE_PASSWORD: 'tw' },
      'ada:tw'
    ],
    [{ TWINE_REPOSITORY_URL: 'https://index.example.com/legacy/', TWINE_PASSWORD: 'pypi-x' }, '__token__:pypi-x']
  ])('is read from the variables of pip, uv and twine: %j', async (env, is) => {
    expect((await found(env)).is).toBe(is)
  })

  test.each([
    ['.config/pip/pip.conf', '[global]\nindex-url = https://ada:pip-word@index.example.com/simple\n', 'ada:pip-word'],
    [
      '.pip/pip.conf',
      '[install]\n# more\nextra-index-url:\n  https://x.example/\n  https://ada:old-word@index.example.com/\n',
      'ada:old-word'
    ],
    [
      '.pypirc',
      '[distutils]\nindex-servers = own\n[own]\nrepository = https://index.example.com/legacy/\nusername = ada\npassword = rc%x\n',
      'ada:rc%x'
    ],
    [
      '.netrc',
      '# own\nmachine other.example login x password y\nmachine index.example.com\n  login ada\n  password "net rc"\n',
      'ada:net rc'
    ]
  ])('is read from %s', async (file, text, is) => {
    await write(file, text)
    const mask = createMask()
    const { is: read, from } = await found({}, index, mask)
    expect(read).toBe(is)
    expect(from).toBe(join(home, file))
    expect(mask.text(`it is ${is.split(':')[1]}`)).toBe('it is ***')
  })

  test('comes from its address first, then from variables, then from files', async () => {
    await write('.pypirc', '[own]\nrepository = https://index.example.com/\npassword = three\n')
    const env = { PIP_INDEX_URL: 'https://ada:two@index.example.com/' }
    expect((await found(env, 'https://ada:one@index.example.com/simple')).is).toBe('ada:one')
    expect((await found(env)).is).toBe('ada:two')
    expect((await found()).is).toBe('__token__:three')
  })

  test('a name alone is a token, unless a file has its password', async () => {
    const env = { PIP_INDEX_URL: 'https://ada@index.example.com/' }
    expect((await found(env)).is).toBe('ada:')
    await write('.netrc', 'machine index.example.com login ada password three')
    expect((await found(env)).is).toBe('ada:three')
  })

  test('it does not go to another server, another port or over plain http', async () => {
    await write('.pypirc', '[own]\nrepository = https://index.example.com/\nusername = a\npassword = b\n')
    await write('.netrc', 'machine index.example.com login a password b\ndefault login a password b\n')
    const env = { PIP_INDEX_URL: 'https://ada:one@index.example.com/', TWINE_PASSWORD: 'x' }
    for (const address of ['http://index.example.com/simple', 'https://index.example.com.evil.example/simple'])
      expect((await found(env, address)).is).toBeUndefined()
  })

  test('a password of a netrc, which names no port, goes to another port only when the user trusts it', async () => {
    await write('.netrc', 'machine index.example.com login a password b')
    const address = 'https://index.example.com:8443/simple'
    const { is, places } = await found({}, address)
    expect(is).toBeUndefined()
    expect(places.join()).toContain('POP_ROLLBACK_TRUSTED_HOSTS=index.example.com:8443')
    expect((await found({ POP_ROLLBACK_TRUSTED_HOSTS: 'index.example.com:8443' }, address)).is).toBe('a:b')
  })

  test('where there is none, every place is named', async () => {
    const { places } = await found({ VIRTUAL_ENV: join(home, 'venv'), NETRC: '/x/netrc' })
    expect(places.join()).toMatch(/config\.registry.*PIP_INDEX_URL.*TWINE_PASSWORD.*venv.*pip.*\.pypirc.*\/x\/netrc/)
  })

  test('a netrc with a macro, a comment and an account is read as Python reads it', () => {
    const text =
      'macdef init\nmachine x login macro password macro\n\n#machine x login no password no\nmachine x account z login a password b'
    expect(netrcLogin(text, 'x')).toEqual({ login: 'a', password: 'b' })
    expect(netrcLogin('default login a password b', 'x')).toBeNull()
    expect(netrcLogin('machine x login a', 'x')).toBeNull()
  })
})
