import { rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerTo } from '../../src/hooks/answer-to.ts'
import { type TestProject, testProject } from '../../testkit/project.ts'

const longAgo = new Date('2026-01-01T00:00:00Z')
const types = ['docker', 'kubernetes', 'npm', 'vercel', 'netlify']
const good = (target: string) => ({ timestamp: longAgo.toISOString(), target, version: '1.1.0', status: 'success' })

let project: TestProject
beforeAll(async () => {
  project = await testProject({
    targets: Object.fromEntries(types.map((type) => [type, { enabled: true }])),
    history: types.map(good)
  })
  await utimes(project.deployFile, longAgo, longAgo)
})
afterAll(() => project.remove())

const answer = (event: object, data?: string): string | null => {
  const env = { CLAUDE_PROJECT_DIR: project.dir, ...(data && { CLAUDE_PLUGIN_DATA: data }) }
  const text = JSON.stringify({ session_id: 's', cwd: project.dir, tool_name: 'Bash', ...event })
  const said = answerTo(text, env, new Date())
  return said && JSON.parse(said).hookSpecificOutput.additionalContext
}
const failed = (command: string, output = '', data?: string) =>
  answer({ hook_event_name: 'PostToolUseFailure', tool_input: { command }, error: `Exit code 1\n${output}` }, data)
const passed = (command: string, stdout = '') =>
  answer({ hook_event_name: 'PostToolUse', tool_input: { command }, tool_response: { stdout, stderr: '' } })

const publishRefused = 'npm error code E403\nnpm error 403 403 Forbidden - PUT https://registry.npmjs.org/x - no'

describe('a command that failed', () => {
  test.each([
    ['command -v vercel', ''],
    ['grep -n foo scripts/execute_deployment.py', ''],
    ['docker exec web npm run test', ''],
    ['docker compose run --rm migrate up', ''],
    ['docker ps # then compose up', ''],
    ['npm test && npm publish', 'npm error code 1\nnpm error Lifecycle script `test` failed with error:'],
    ['npm ci && npm publish', 'npm error code E404\nnpm error 404 Not Found - GET https://registry.npmjs.org/y'],
    ['git pull && kubectl apply -f k8s', 'error: Your local changes would be overwritten by merge'],
    ['docker compose up -d | grep -q Started', 'Container web  Running'],
    ['docker compose up -d; docker compose exec web npm run lint', 'ERROR: lint'],
    ['! npm publish', '+ x@1.0.0']
  ])('%s is no failed deployment', (command, output) => {
    expect(failed(command, output)).toBeNull()
  })

  test.each([
    ['cat <<EOF | kubectl apply -f -\nx: 1\nEOF', '', 'command line with `kubectl apply`'],
    ['if ! docker compose up -d; then exit 1; fi', '', '`docker compose up` exited 1'],
    ['for f in *; do kubectl apply -f $f; done', '', '`kubectl apply`'],
    ['OUT=$(docker compose up)', '', '`docker compose up` exited 1'],
    ['sudo -u deploy docker compose up -d', '', '`docker compose up` exited 1'],
    ['npx -y netlify-cli deploy --prod', '', '`netlify deploy` exited 1'],
    ['vercel --token $T --prod', '', '`vercel` exited 1'],
    ['vercel --scope team deploy', '', '`vercel` exited 1'],
    ['kamal -d staging deploy', '', '`kamal deploy` exited 1'],
    ['docker.exe compose up', '', '`docker compose up` exited 1'],
    ['doppler run -- docker compose up', '', '`docker compose up` exited 1'],
    ['npm test && npm publish', publishRefused, 'command line with `npm publish` exited 1'],
    [
      'npm run build && docker compose up -d',
      'Bind for 0.0.0.0:80 failed: port is already allocated',
      '`docker compose up`'
    ],
    ['docker compose up -d && curl -f localhost', '', 'command line with `docker compose up` exited 1']
  ])('%j is one: %j', (command, output, said) => {
    expect(failed(command, output)).toContain(said)
  })
})

describe('a command that passed', () => {
  test.each([
    ['docker compose up -d; docker logs web', 'ERROR: no such table'],
    ['kubectl apply -f k8s; kubectl get pods -A', 'other-7d9 0/1 CrashLoopBackOff 12'],
    ['npm publish; npm test', 'npm error code 1\nnpm error Test failed'],
    ['kubectl rollout status deploy/web', 'error: is not looked for here']
  ])('%s is no failed deployment', (command, output) => {
    expect(passed(command, output)).toBeNull()
  })

  test.each([
    ['docker compose up -d; echo "exit $?"', 'Error response from daemon: no such image'],
    ['docker compose up -d; docker compose ps', 'dependency failed to start: container db is unhealthy'],
    ['kubectl rollout status deploy/web | tail -1', 'error: deployment "web" exceeded its progress deadline'],
    ['if ! npm publish; then echo "did not work"; fi', publishRefused]
  ])('%j is one where the output says so', (command, output) => {
    expect(passed(command, output)).toContain('shows a failure that its command line hides')
  })
})

test('after a rollback the same failure is news again', async () => {
  const data = join(project.dir, 'data')
  expect(failed('kamal deploy', '', data)).not.toBeNull()
  expect(failed('kamal deploy', '', data)).toBeNull()
  const rolledBack = {
    ...good('docker'),
    version: '1.2.0',
    status: 'rolled_back',
    rollback_to: '1.1.0',
    outcome: 'succeeded'
  }
  const targets = { docker: { enabled: true } }
  await project.deploy({ targets, history: [{ ...rolledBack, timestamp: '2026-01-02T00:00:00Z' }, good('docker')] })
  await utimes(project.deployFile, longAgo, longAgo)
  expect(failed('kamal deploy', '', data)).not.toBeNull()
  expect(failed('kamal deploy', '', data)).toBeNull()
  await rm(data, { recursive: true })
})

test('a task whose exit code the host does not tell is said to have failed, without one', async () => {
  const data = join(project.dir, 'data')
  const begun = { hook_event_name: 'PostToolUse', tool_input: { command: 'kamal deploy' } }
  answer({ ...begun, tool_response: { backgroundTaskId: 'b1' } }, data)
  const prompt =
    '<task-notification><task-id>b1</task-id><status>failed</status><summary>gone</summary></task-notification>'
  expect(answer({ hook_event_name: 'UserPromptSubmit', prompt }, data)).toContain(
    '`kamal deploy` in the background failed at'
  )
})
