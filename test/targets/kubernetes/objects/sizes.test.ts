import { describe, expect, it } from 'vitest'
import { fullName } from '../../../../src/targets/kubernetes/objects/image-name.ts'
import {
  isBestEffort,
  podSpecSchema,
  quantity,
  quantityText,
  sizeOf
} from '../../../../src/targets/kubernetes/objects/pod-size.ts'

describe('quantities', () => {
  it.each([
    ['500m', 0.5],
    ['2', 2],
    ['1.5', 1.5],
    ['128Mi', 134_217_728],
    ['1G', 1_000_000_000],
    ['2e3', 2000],
    ['1E', 1e18]
  ])('%s is read', (text, value) => expect(quantity(text)).toBe(value))

  it.each(['', 'Mi', '5x', '1 Gi'])('"%s" is not a quantity', (text) => expect(quantity(text)).toBeNull())

  it('are shown in the usual unit', () => {
    expect(quantityText(0.25, 'requests.cpu')).toBe('250m')
    expect(quantityText(64 * 2 ** 20, 'limits.memory')).toBe('64Mi')
    expect(quantityText(3, 'pods')).toBe('3')
  })
})

describe("a pod's size", () => {
  const requests = (memory: string, cpu?: string) => ({ resources: { requests: { memory, ...(cpu && { cpu }) } } })

  it('is that of all its containers, or of its largest init container, plus its overhead', () => {
    const spec = podSpecSchema.parse({
      containers: [requests('10Mi', '100m'), requests('20Mi')],
      initContainers: [requests('100Mi'), { ...requests('5Mi'), restartPolicy: 'Always' }],
      overhead: { memory: '1Mi' }
    })
    expect(sizeOf(spec)).toMatchObject({ pods: 1, 'requests.memory': 101 * 2 ** 20, memory: 101 * 2 ** 20, cpu: 0.1 })
  })

  it('is best effort without requests', () => {
    expect(isBestEffort(podSpecSchema.parse({ containers: [{}] }))).toBe(true)
    expect(isBestEffort(podSpecSchema.parse({ containers: [requests('1Mi')] }))).toBe(false)
  })
})

describe("an image's full name", () => {
  it.each([
    ['nginx', 'docker.io/library/nginx:latest'],
    ['shop/web:1.2', 'docker.io/shop/web:1.2'],
    ['localhost/web', 'localhost/web:latest'],
    ['registry.example:5000/web:2', 'registry.example:5000/web:2'],
    ['ghcr.io/a/b:1@sha256:abc', 'ghcr.io/a/b@sha256:abc']
  ])('%s', (image, name) => expect(fullName(image)).toBe(name))
})
