import { describe, expect, it } from 'vitest'
import type { Service, Task } from '../../../../src/targets/docker/objects/swarm-schemas.ts'
import { wantedTasks } from '../../../../src/targets/docker/swarm/health.ts'

const service = (mode: Service['Spec']['Mode']): Service => ({
  ID: 's1',
  Version: { Index: 1 },
  CreatedAt: '2026-03-18T14:00:00Z',
  UpdatedAt: '2026-03-18T14:00:00Z',
  Spec: { Name: 'web', TaskTemplate: { ContainerSpec: { Image: 'shop/web:1.1.0' } }, Mode: mode }
})

const task = (node: string, desired: string, state = desired): Task => ({
  ID: `${node}-${desired}`,
  NodeID: node,
  CreatedAt: '2026-03-18T14:00:00Z',
  Spec: { ContainerSpec: { Image: 'shop/web:1.1.0' } },
  DesiredState: desired,
  Status: { Timestamp: '2026-03-18T14:00:00Z', State: state }
})

describe('the tasks that a service should have', () => {
  it('are its replicas, none of them too', () => {
    expect(wantedTasks(service({ Replicated: { Replicas: 3 } }), [])).toBe(3)
    expect(wantedTasks(service({ Replicated: { Replicas: 0 } }), [])).toBe(0)
  })

  it('are one on each node that fits its constraints, not on each that there is', () => {
    const tasks = [task('a', 'running'), task('b', 'running'), task('a', 'shutdown'), task('c', 'shutdown')]
    expect(wantedTasks(service({ Global: {} }), tasks)).toBe(2)
  })

  it('are counted where one waits to be started again, too', () => {
    expect(wantedTasks(service({ Global: {} }), [task('a', 'ready'), task('a', 'shutdown', 'failed')])).toBe(1)
  })

  it('are at least one: a service that fits no node serves nothing', () => {
    expect(wantedTasks(service({ Global: {} }), [])).toBe(1)
  })
})
