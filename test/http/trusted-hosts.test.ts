import { describe, expect, test } from 'vitest'
import { isTrustedHost, requireTrustedHost } from '../../src/http/trusted-hosts.ts'

const trusting = (list: string) => ({ POP_ROLLBACK_TRUSTED_HOSTS: list })

describe('trusted hosts', () => {
  test.each([
    ['git.example.com', 'git.example.com', true],
    [' Git.Example.com , 10.0.0.5:2376 ', 'git.example.com', true],
    ['git.example.com,10.0.0.5:2376', '10.0.0.5:2376', true],
    ['git.example.com:443', 'git.example.com', true],
    ['[::1]:5000', '[::1]:5000', true],
    ['bücher.example', 'xn--bcher-kva.example', true],
    ['git.example.com', 'git.example.com:8443', false],
    ['git.example.com:8443', 'git.example.com', false],
    ['example.com', 'git.example.com', false],
    ['git.example.com', 'git.example.com.evil.org', false],
    ['', 'git.example.com', false],
    [',', '', false]
  ])('%j and %j: %s', (list, host, trusted) => {
    expect(isTrustedHost(trusting(list), host)).toBe(trusted)
  })

  test.each(['https://git.example.com', '*', '*.example.com', 'a b', 'x@y', 'host:99999', 'host/path'])(
    'an entry that is no host is named: %s',
    (entry) => {
      expect(() => isTrustedHost(trusting(`good.example,${entry}`), 'x.example')).toThrow(
        expect.objectContaining({ code: 'bad_trusted_hosts', why: expect.stringContaining(entry) })
      )
    }
  )

  test('a refusal names the host, who named it, and what to set', () => {
    const refused = () => requireTrustedHost({}, 'evil.example', '`config.host` in deploy.json')
    expect(refused).toThrow(
      expect.objectContaining({
        what: expect.stringContaining('evil.example'),
        why: expect.stringContaining('`config.host` in deploy.json'),
        next: expect.stringContaining('POP_ROLLBACK_TRUSTED_HOSTS=evil.example')
      })
    )
    expect(() => requireTrustedHost(trusting('evil.example'), 'evil.example', 'x')).not.toThrow()
  })
})
