import { expect, test } from 'vitest'
import { createMask } from '../../src/support/mask.ts'

test('a registered value is masked wherever it stands, the longest first', () => {
  const mask = createMask()
  mask.add('hunter2')
  mask.add('hunter2-extended')
  expect(mask.text('login hunter2-extended, then hunter2.')).toBe('login ***, then ***.')
})

test('a value with several lines is masked line by line', () => {
  const mask = createMask()
  mask.add('first-line-of-key\nsecond-line-of-key')
  expect(mask.text('log: second-line-of-key')).toBe('log: ***')
})

test('a registered value is masked as it stands in an address and in JSON, too', () => {
  const mask = createMask()
  mask.add('p@ss/"w\\rd')
  for (const text of ['x?q=p%40ss%2F%22w%5Crd', JSON.stringify({ said: 'p@ss/"w\\rd' })])
    expect(mask.text(text)).toMatch(/^[^%w@]*\*\*\*[^%w@]*$/)
})

test('values that would mangle ordinary text are left alone', () => {
  const mask = createMask()
  mask.add('a')
  mask.add('')
  mask.addVariable('PATH', '/usr/local/bin:/usr/bin')
  mask.addVariable('APP_VERSION', '1.10.0')
  mask.addVariable('NODE_ENV', 'production')
  mask.addVariable('LOG_LEVEL', 'debug')
  const text = 'a version 1.10.0 in production at /usr/bin with debug'
  expect(mask.text(text)).toBe(text)
})

test('a variable whose name or value is a secret is masked', () => {
  const mask = createMask()
  mask.addVariable('DB_PASSWORD', 'ab1d')
  mask.addVariable('SMTP_PASS', 'letmein')
  mask.addVariable('REDIS_AUTH', '835019')
  mask.addVariable('SOMETHING', 'x9$kLm2!pq')
  expect(mask.text('ab1d, letmein, 835019 and x9$kLm2!pq')).toBe('***, ***, *** and ***')
})

for (const [name, value] of [
  ['OAUTH_ENABLED', 'true'],
  ['AUTH_VERSION', '1.1.0'],
  ['AUTHOR', 'docker'],
  ['PASS_THROUGH', 'enabled'],
  ['TOKEN_TTL', '3600'],
  ['AUTH_TYPE', 'basic'],
  ['POSTGRES_PASSWORD', 'postgres'],
  ['JWT_SECRET_FILE', '/run/secrets/jwt'],
  ['SECRET_BACKEND', 'redis'],
  ['AUTH_MODE', 'none']
] as const)
  test(`an ordinary value stays readable, whatever its name: ${name}=${value}`, () => {
    const mask = createMask()
    mask.addVariable(name, value)
    const text = `the answer names ${value}`
    expect(mask.text(text)).toBe(text)
  })

test('an ordinary word among the lines or fields of a secret is not registered', () => {
  const mask = createMask()
  mask.add('true')
  mask.add('1.2.0')
  mask.add('first-line-of-key\nnginx\n5432')
  expect(mask.text('nginx 1.2.0 on 5432: true')).toBe('nginx 1.2.0 on 5432: true')
})

const shapes: [string, string, string][] = [
  ['a URL’s password', 'postgres://ann:s3cret@db:5432/x', 's3cret'],
  ['a bearer header', 'Authorization: Bearer abcdef0123456789', 'abcdef0123456789'],
  ['an npm token', 'token npm_abcdefghijklmnopqrstuvwxyz012345', 'npm_abcdefghijkl'],
  ['a GitHub token', 'ghp_abcdefghijklmnopqrstuvwxyz0123456789', 'ghp_abcdefghij'],
  ['a JSON web token', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc123', 'eyJzdWIiOiIxIn0'],
  ['an assignment', 'API_KEY=abc123def', 'abc123def'],
  ['an assignment in JSON', '{"password": "pass word", "user": "ann"}', 'pass word'],
  ['an npmrc line', '//registry.example.com/:_authToken=abc-def', 'abc-def'],
  ['a private key', '-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----', 'MIIEow']
]

for (const [name, text, secret] of shapes)
  test(`${name} is masked by its shape`, () => {
    expect(createMask().text(text)).not.toContain(secret)
  })

test('what must be named stays readable, whether a variable held it before or after', () => {
  const mask = createMask()
  mask.addVariable('GIT_COMMIT', 'a1b2c3d4')
  mask.spare('sha-a1b2c3d4')
  mask.spare('2026-03-18.7')
  mask.addVariable('BUILD_ID', '2026-03-18.7')
  mask.addVariable('API_KEY', 'a1b2c3d4e5f6')
  expect(mask.text('sha-a1b2c3d4, 2026-03-18.7, a1b2c3d4e5f6')).toBe('sha-a1b2c3d4, 2026-03-18.7, ***')
})

test('a name stays readable wherever it occurs, and the same word is masked elsewhere', () => {
  const mask = createMask()
  mask.addVariable('POSTGRES_DB', 'storefront')
  mask.spare('hd-storefront-web-1')
  expect(mask.text('docker stop hd-storefront-web-1-popkit-old-0e6b && psql storefront')).toBe(
    'docker stop hd-storefront-web-1-popkit-old-0e6b && psql ***'
  )
})

test('the parts of a name are names, too', () => {
  const mask = createMask()
  mask.spare('deployment/shop-live/checkout')
  for (const [name, value] of [
    ['NAMESPACE', 'shop-live'],
    ['APP', 'shop-live/checkout'],
    ['DB_PASSWORD', 'shop-live-2f9c']
  ] as const)
    mask.addVariable(name, value)
  const command = 'kubectl -n shop-live rollout undo deployment/checkout'
  expect(mask.text(`${command} of shop-live/checkout`)).toBe(`${command} of shop-live/checkout`)
  expect(mask.text('shop-live-2f9c')).toBe('***')
})

test('names that overlap both stay readable', () => {
  const mask = createMask()
  for (const name of ['team-orders', 'orders-api']) mask.spare(name)
  mask.addVariable('SERVICE_NAME', 'orders-api')
  expect(mask.text('team-orders-api')).toBe('team-orders-api')
})

test('of a record the free text is masked, and what identifies something is not', () => {
  const mask = createMask()
  for (const secret of ['orders-api', 'started', '20260318']) mask.add(secret)
  const record = {
    event: 'step',
    step_id: 'swap:orders-api',
    stepId: 'swap:orders-api',
    state: 'started',
    at: '20260318',
    recorded: { name: 'orders-api' },
    accept: ['risk:orders-api']
  }
  expect(mask.record({ ...record, detail: 'orders-api has started', message: ['20260318'] })).toEqual({
    ...record,
    detail: '*** has ***',
    message: ['***']
  })
  const steps = [{ id: 'swap', title: 'Stopping orders-api', params: { name: 'orders-api' } }]
  expect(mask.record({ steps })).toEqual({ steps })
  expect(mask.record({ state: 'it was started', from: { version: 'orders-api', notes: ['orders-api'] } })).toEqual({
    state: 'it was ***',
    from: { version: 'orders-api', notes: ['***'] }
  })
})

test('data is masked in depth, and its keys stay', () => {
  const mask = createMask()
  mask.add('hunter2')
  expect(mask.data({ hunter2: ['x hunter2', { deep: 'hunter2' }, 7, null] })).toEqual({
    hunter2: ['x ***', { deep: '***' }, 7, null]
  })
})

test('words that answers are made of stay, also where a variable holds one', () => {
  const mask = createMask()
  mask.addVariable('MODE', 'unhealthy')
  expect(mask.text('its health check says unhealthy')).toBe('its health check says unhealthy')
})
