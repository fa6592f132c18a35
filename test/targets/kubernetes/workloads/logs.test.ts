import { expect, test } from 'vitest'
import { ApiFailure } from '../../../../src/targets/kubernetes/client/failure.ts'
import { podSchema } from '../../../../src/targets/kubernetes/objects/objects.ts'
import { logsOf } from '../../../../src/targets/kubernetes/workloads/logs.ts'
import { fakeCluster, pod } from '../fake-cluster.ts'
import { virtualClock } from '../virtual-clock.ts'

const crashed = podSchema.parse(
  pod('web', 1, 'a', {
    containerStatuses: [
      { name: 'web', restartCount: 1, lastState: { terminated: { exitCode: 3 } }, state: { waiting: {} } }
    ]
  })
)
const lost = 'unable to retrieve container logs for containerd://9f2c'

/** Its answers to requests for a log, in turn; the last one again. */
async function logsWith(...answers: (string | Error)[]) {
  const { context } = fakeCluster()
  const text = async (): Promise<string> => {
    const answer = answers.length > 1 ? answers.shift() : answers[0]
    if (answer instanceof Error) throw answer
    return answer ?? ''
  }
  return logsOf(
    { ...context, api: { ...context.api, text }, clock: virtualClock() },
    crashed,
    AbortSignal.timeout(60_000)
  )
}

test.each([lost, `${lost}\n`, new ApiFailure('Reading the log', 400, { message: lost })])(
  'what a kubelet says in place of a log is none (%s)',
  async (answer) => {
    expect(await logsWith(answer)).toEqual({
      evidence: [],
      unread: ['The log of web-1-a, container web could not be read: its node no longer has it']
    })
    expect((await logsWith(answer, 'out of memory')).evidence).toMatchObject([{ text: 'out of memory' }])
  }
)

test('a log that quotes that message is a log', async () => {
  expect((await logsWith(`${lost}\nbut this one is here`)).evidence).toHaveLength(1)
})
