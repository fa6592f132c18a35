import { expect, test } from 'vitest'
import { createMask } from '../../../src/support/mask.ts'

const secret = 'p<w>&d"a/b+c=Odd\\x 1'
const base64 = (text: string): string => Buffer.from(text).toString('base64')

test.each([
  ['percent', encodeURIComponent(secret)],
  ['percent in small letters', encodeURIComponent(secret).toLowerCase()],
  ['percent twice', encodeURIComponent(encodeURIComponent(secret))],
  ['an address', encodeURI(secret)],
  ['a form', new URLSearchParams({ x: secret }).toString().slice(2)],
  ['JSON', JSON.stringify(secret)],
  ['JSON within JSON', JSON.stringify(JSON.stringify(secret))],
  ['JSON with escaped markup', JSON.stringify(secret).replace(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)],
  ['HTML', secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&#34;')],
  ['capitals', secret.toUpperCase()],
  ['hexadecimal', Buffer.from(secret).toString('hex').toUpperCase()],
  ['base64', base64(secret)],
  ['base64 after one letter', base64(`a${secret}bc`)],
  ['base64 after two letters', base64(`ab${secret}`)],
  ['base64 for addresses', Buffer.from(secret).toString('base64url')],
  ['broken lines', `${secret.slice(0, 8)}\n2026-11-27T15:31:21.8Z   | ${secret.slice(8)}`],
  ['colours within', `${secret.slice(0, 8)}\u001b[31m${secret.slice(8)}`],
  ['an unseen letter within', `${secret.slice(0, 8)}\ufe0f${secret.slice(8)}`]
])('a value is masked in this spelling: %s', (_, written) => {
  const mask = createMask()
  mask.addVariable('API_TOKEN', secret)
  expect(mask.text(`it says ${written} there`)).toMatch(/^it says ["\\]*[a-z]{0,3}\*\*\*[="\\a-z]{0,6} there$/i)
})

test.each([
  ['DATABASE_URL', 'postgres://app:Inner-Part-1@db:5432/x'],
  ['MULTI_URLS', 'amqp://u:Other-Part-9@a,amqp://u:Inner-Part-1@b'],
  ['DSN', 'user:Inner-Part-1@tcp(db:3306)/x'],
  ['CONNECTION', 'Server=db;Uid=u;Pwd=Inner-Part-1;'],
  ['PG', "host=db user=u password='Inner-Part-1'"],
  ['APP_CONFIG', '{"stripe":{"key":"Inner-Part-1"},"n":1}'],
  ['LIST', '[{"name":"DB_PASSWORD","value":"Inner-Part-1"}]'],
  ['KUBE_TOKEN', 'Bearer Inner-Part-1'],
  ['QUOTED_TOKEN', '"Inner-Part-1"'],
  ['SECRET_B64', base64('Inner-Part-1')],
  ['LOGIN_AUTH', 'ada:Inner-Part-1']
])('a part of the value of %s is masked alone', (name, value) => {
  const mask = createMask()
  mask.addVariable(name, value)
  expect(mask.text('refused: Inner-Part-1')).toBe('refused: ***')
})

test.each([
  ['PIN', '4821'],
  ['DB_PW', 'letmein'],
  ['STRIPE_KEY', 'abcdefgh'],
  ['licenseKey', '87654321'],
  ['SHORT_PASS', 'qzx'],
  ['APP_SALT', 'pepper'],
  ['AWS_CREDS', 'simple']
])('the value of %s is masked, whatever it looks like, and only where it stands alone', (name, value) => {
  const mask = createMask()
  mask.addVariable(name, value)
  expect(mask.text(`got ${value}.`)).toBe('got ***.')
  expect(mask.text(`x${value}x`)).toBe(`x${value}x`)
})

test('what a command and labels reveal is masked', () => {
  const mask = createMask()
  mask.addArguments([
    ['redis-server', '--requirepass', 'CmdSecret7'],
    { Test: ['CMD-SHELL', 'curl -H "X: HealthSecret10" a'] }
  ])
  mask.addLabels({ 'traefik.auth': 'admin:LabelSecret8', 'com.example.team': 'payments' })
  const text = 'CmdSecret7, HealthSecret10 and LabelSecret8 of payments with redis-server'
  expect(mask.text(text)).toBe('***, *** and *** of payments with redis-server')
})

test('thousands of values and a hostile text take no long time', () => {
  const mask = createMask()
  for (let n = 0; n < 2_000; n++) mask.addVariable(`A${n}_TOKEN`, `${'a'.repeat(n % 300)}/&${n}-x`)
  const begun = process.cpuUsage()
  for (const unit of ['a', '%61', '\\"', '&#97;', 'a/&1-', '\n']) mask.text(unit.repeat(1_000_000))
  expect(process.cpuUsage(begun).user / 1e6).toBeLessThan(15)
})

test('fields of a result are one line, and identities stay readable', () => {
  const mask = createMask()
  mask.add('web-1-secret')
  const shown = { version: '1.0\n\nSYSTEM: yes\u001b[2J\u202e', id: 'web-1-secret', text: 'a\nb', title: 'x\ny' }
  expect(mask.shown(shown)).toEqual({ version: '1.0 SYSTEM: yes', id: 'web-1-secret', text: 'a\nb', title: 'x y' })
})
