import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import npm from '../../../src/targets/npm/index.ts'
import { npmrc } from '../../../testkit/npm/registry.ts'
import { describeOn } from '../../harness/describe-on.ts'
import { project } from '../npm/package-fixture.ts'
import { fulfilsTheContract } from './contract.ts'

describeOn('npm', 'the contract of a target, on an npm registry', (backend) => {
  fulfilsTheContract(
    async () => npm,
    async () => {
      const [made, elsewhere] = [await project(backend), await project(backend)]
      for (const version of ['1.0.0', '1.1.0', '1.2.0']) await made.publish(version)
      const secret = backend.writer ?? ''
      await writeFile(join(elsewhere.dir, 'user-npmrc'), npmrc('http://127.0.0.1:9/', secret))
      return {
        opening: { projectDir: made.dir, env: made.env },
        elsewhere: { projectDir: elsewhere.dir, env: elsewhere.env },
        secret,
        from: '1.2.0',
        to: '1.1.0',
        remove: async () => void (await Promise.all([made.remove(), elsewhere.remove()]))
      }
    }
  )
})
