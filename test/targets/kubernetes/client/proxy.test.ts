import { expect, test } from 'vitest'
import { proxyFor } from '../../../../src/targets/kubernetes/client/proxy.ts'

const proxy = 'http://proxy.example:3128'
const through = (server: string, noProxy = ''): string | undefined =>
  proxyFor(new URL(server), { HTTPS_PROXY: proxy, NO_PROXY: noProxy })

test.each([
  ['https://k8s.example:6443', '', proxy],
  ['https://k8s.example:6443', '*', undefined],
  ['https://k8s.example:6443', 'other.example', proxy],
  ['https://k8s.example:6443', 'k8s.example', undefined],
  ['https://k8s.example:6443', 'a.example, example', undefined],
  ['https://k8s.example:6443', '.example', undefined],
  ['https://example:6443', '.example', proxy],
  ['https://notexample:6443', 'example', proxy],
  ['https://k8s.example:6443', 'k8s.example:443', proxy],
  ['https://k8s.example:6443', 'k8s.example:6443', undefined],
  ['https://10.20.0.1:6443', '10.0.0.0/8', undefined],
  ['https://10.20.0.1:6443', '10.21.0.0/16', proxy],
  ['https://10.20.0.1:6443', '10.20.0.1', undefined],
  ['https://110.20.0.1:6443', '10.20.0.1', proxy],
  ['https://10.20.0.1:6443', 'nonsense/99,10.0.0.0/999', proxy],
  ['https://[fd00::1]:6443', 'fd00::/8', undefined],
  ['https://[fd00::1]:6443', 'fd00::1', undefined],
  ['https://127.0.0.1:6443', '', undefined],
  ['https://localhost:6443', '', undefined]
])('%s with NO_PROXY=%s is asked through %s', (server, noProxy, expected) => {
  expect(through(server, noProxy)).toBe(expected)
})

test('a proxy without a scheme is one that speaks HTTP; each scheme has its own variable', () => {
  expect(proxyFor(new URL('https://k8s.example'), { https_proxy: 'proxy:3128' })).toBe('http://proxy:3128')
  expect(proxyFor(new URL('https://k8s.example'), { HTTP_PROXY: proxy })).toBeUndefined()
  expect(proxyFor(new URL('http://k8s.example'), { HTTP_PROXY: proxy })).toBe(proxy)
})
