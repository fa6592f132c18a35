import { expect, test } from 'vitest'
import { createMask } from '../../../src/support/mask.ts'

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const some = (length: number): string => letters.repeat(3).slice(0, length)
const hex = (length: number): string => '0123456789abcdef'.repeat(8).slice(0, length)
// put together here, so that no scanner takes this file for a leak
const join = (...parts: string[]): string => parts.join('')

test.each([
  ['npm', join('npm', '_', some(36))],
  ['GitHub, classic', join('ghp', '_', some(36))],
  ['GitHub, of Actions', join('ghs', '_', some(36))],
  ['GitHub, fine-grained', join('github', '_pat_', some(22), '_', some(59))],
  ['GitLab', join('glpat', '-', some(20))],
  ['GitLab, routable', join('glpat', '-', some(27), '.01.', some(9))],
  ['PyPI', join('pypi', '-AgEIcHlwaS5vcmc', some(60))],
  ['Netlify', join('nfp', '_', some(36))],
  ['Vercel', join('vcp', '_', some(56))],
  ['AWS, key id', join('AKIA', 'IOSFODNN7EXAMPLE')],
  ['AWS, temporary key id', join('ASIA', 'IOSFODNN7EXAMPLE')],
  ['Slack, bot', join('xoxb', '-1234567890-', some(24))],
  ['Slack, rotated', join('xoxe', '.xoxp-1-', some(60))],
  ['Slack, app', join('xapp', '-1-A0-', some(30))],
  ['Stripe', join('sk', '_live_', some(24))],
  ['Stripe, restricted', join('rk', '_test_', some(24))],
  ['OpenAI', join('sk', '-proj-', some(40))],
  ['Google, API', join('AIza', some(35))],
  ['Google, OAuth', join('ya29', '.', some(60))],
  ['Google, client', join('GOCSPX', '-', some(28))],
  ['Docker Hub', join('dckr', '_pat_', some(27))],
  ['DigitalOcean', join('dop', '_v1_', hex(64))],
  ['Vault', join('hvs', '.', some(24))],
  ['SendGrid', join('SG', '.', some(22), '.', some(43))],
  ['JSON web token', join('eyJ', some(20), '.', 'eyJ', some(40), '.', some(43))]
])('a token is masked wherever it stands: %s', (_, token) => {
  for (const text of [token, `got ${token}, then`, `"x":"${token}"`, `X_${token}`, `at/${token}/y`])
    expect(createMask().text(text)).not.toContain(token.slice(-12))
})

test.each([
  ['a password in an address', 'postgres://ann:s3cretpw@db:5432/x', 's3cretpw'],
  ['a password with @ in an address', 'postgres://ann:s3@cretpw@db:5432/x', 'cretpw'],
  ['a password with a slash in an address', 'amqp://ann:s3/cretpw@mq/v', 'cretpw'],
  ['a password alone in an address', 'redis://:s3cretpw@cache:6379/0', 's3cretpw'],
  ['a token as the user of an address', 'https://s3cretpw@github.com/a/b.git', 's3cretpw'],
  ['an address within quotes', '{"url":"https://ann:s3cretpw@x.example/"}', 's3cretpw'],
  ['a bearer header', 'Authorization: Bearer s3cretpw0123', 's3cretpw'],
  ['a basic header', 'proxy-authorization: Basic czNjcmV0cHc=', 'czNjcmV0cHc'],
  ['a header with another scheme', 'Authorization: token s3cretpw', 's3cretpw'],
  ['a header as JSON', '{"authorization":"s3cretpw"}', 's3cretpw'],
  ['a cookie', 'Set-Cookie: session=s3cretpw; Path=/', 's3cretpw'],
  ['a header with a key', 'X-Api-Key: s3cretpw', 's3cretpw'],
  ['an assignment', 'DB_PASSWORD=s3cretpw', 's3cretpw'],
  ['an assignment in camel case', 'clientSecret = s3cretpw', 's3cretpw'],
  ['YAML', 'password: s3cretpw', 's3cretpw'],
  ['a hash of Ruby', ':password => "s3cretpw"', 's3cretpw'],
  ['JSON', '{"password": "has spaces s3cretpw", "user": "ann"}', 's3cretpw'],
  ['JSON with a quote in the value', '{"password":"a\\"s3cretpw"}', 's3cretpw'],
  ['JSON within JSON', '{"body":"{\\"password\\":\\"s3cretpw\\"}"}', 's3cretpw'],
  ['JSON that was cut off', '{"token": "has spaces s3cretpw', 's3cretpw'],
  ['a connection string', 'Server=db;User Id=ann;Password=s3cretpw;', 's3cretpw'],
  ['a connection string with Pwd', 'Server=db;Uid=ann;Pwd=s3cretpw;', 's3cretpw'],
  ['a connection string of Azure', 'AccountName=x;AccountKey=s3cretpw==;', 's3cretpw'],
  ['a variable of MySQL', 'MYSQL_PWD=s3cretpw', 's3cretpw'],
  ['an AWS secret', 'aws_secret_access_key = s3cretpw', 's3cretpw'],
  ['an AWS secret as JSON', '"SecretAccessKey": "s3cretpw"', 's3cretpw'],
  ['a login of Docker', '{"auths":{"x":{"auth":"czNjcmV0cHc6eA=="}}}', 'czNjcmV0cHc6'],
  ['an npmrc line', '//registry.example.com/:_authToken=s3cretpw', 's3cretpw'],
  ['an npmrc line with _auth', '//registry.example.com/:_auth=czNjcmV0cHc6eA==', 'czNjcmV0cHc6'],
  ['an option', 'tool --password s3cretpw run', 's3cretpw'],
  ['an option with another name', 'tool --registry-token=s3cretpw', 's3cretpw'],
  ['a login of curl', 'curl -u ann:s3cretpw https://x', 's3cretpw'],
  ['a signed address', 'https://x/y?X-Amz-Signature=s3cretpw&z=1', 's3cretpw'],
  ['a shared signature', 'https://x/y?sv=1&sig=s3cretpw%3D', 's3cretpw'],
  ['a hook of Slack', 'https://hooks.slack.com/services/T0/B0/s3cretpw', 's3cretpw'],
  ['a private key', '-----BEGIN RSA PRIVATE KEY-----\ns3cretpw\n-----END RSA PRIVATE KEY-----', 's3cretpw'],
  ['a private key of OpenSSH', '-----BEGIN OPENSSH PRIVATE KEY-----\\ns3cretpw\\n', 's3cretpw'],
  [
    'a private key of PGP',
    '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\ns3cretpw\n-----END PGP PRIVATE KEY BLOCK-----',
    's3cretpw'
  ],
  ['a password of mysql', 'mysql -u root -ps3cretpw db', 's3cretpw'],
  ['a line of netrc', 'machine h login u password s3cretpw', 's3cretpw'],
  ['XML', '<password>s3cretpw</password>', 's3cretpw'],
  ['a block of YAML', '2026-01-02T03:04:05Z password: |\n2026-01-02T03:04:05Z   s3cretpw\n', 's3cretpw'],
  ['an encoded assignment', 'client_secret%3Ds3cretpw', 's3cretpw'],
  ['a login without a scheme', 'MONGO user:s3cretpw1@host/db', 's3cretpw'],
  ['a sentence', 'my password is s3cretpw', 's3cretpw'],
  ['a digest header', 'Authorization: Digest username="u", response="s3cretpw"', 's3cretpw'],
  ['an address of Oracle', 'jdbc:oracle:thin:scott/s3cretpw@h', 's3cretpw'],
  [
    'an AWS secret beside its id',
    join('AKIA', 'IOSFODNN7EXAMPLE s3cretpw/K7MDENG/bPxRfiCYEXAMPLEKEYabcde'),
    's3cretpw'
  ],
  ['the end of a private key', 'log:\nMIIEs3cretpw\nabcd\n-----END PRIVATE KEY-----\nnext', 's3cretpw']
])('%s is masked', (_, text, secret) => {
  expect(createMask().text(text)).not.toContain(secret)
})

test.each([
  'GET http://127.0.0.1:4873/@scope/pkg answered 200',
  'https://registry.example.com/team/app@sha256:abc',
  'PWD=/srv/app',
  'pulled app:1.2.0@sha256:abc and npm:Foo1bar@2, mail to mailto:Ann1x@example.com',
  'The password is wrong, and the token was refused.',
  'docker run -u 1000:1000 app',
  'The token lacks the scope workflow; use another one.',
  'Enter password:\nConnection refused by the database',
  'No token is set. Set GH_TOKEN or log in.',
  'task-list, disk-usage, risk-of-a-long-hyphenated-word',
  'the author: Ada; authored by Ada; OAuth is used',
  '2026-01-02T03:04:05Z listening on tcp://0.0.0.0:8080'
])('what is no secret stays readable: %s', (text) => {
  expect(createMask().text(text)).toBe(text)
})

test('a text that was masked stays as it is when it is masked again', () => {
  const mask = createMask()
  const once = mask.text('DB_PASSWORD=x1 https://ann:pw@x/ Authorization: Bearer abcdefgh12 {"token":"y2"}')
  expect(mask.text(once)).toBe(once)
})

test.each([
  'a-',
  'a.',
  'token-',
  'token',
  'sk-',
  'eyJa-',
  '/',
  '//',
  'basic ',
  '-----BEGIN A ',
  '-----END A',
  'password="',
  'token=\\"',
  '://',
  'a://a:',
  'https://a',
  '-u aaaa:',
  '--',
  'A',
  'A=',
  ' ',
  '"\\',
  'SG.aaaaaaaaaaaaaaaaaaaa.',
  '\\n'
])('megabytes of %j are masked without delay', (unit) => {
  const text = unit.repeat(Math.ceil((2 * 1024 * 1024) / unit.length))
  expect(createMask().text(text).length).toBeLessThan(2 * text.length)
})
