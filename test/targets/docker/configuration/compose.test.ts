import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import { type Answer, type BuiltServer, startServer } from '../../../../testkit/built-server.ts'
import { type ComposeProject, composeProject, tagVariable } from '../../../../testkit/docker/compose-project.ts'
import { makeImage } from '../../../../testkit/docker/images.ts'
import { inspect, isHealthy, isUnhealthy } from '../../../../testkit/docker/world.ts'
import { commitAll } from '../../../../testkit/project.ts'
import { describeOn } from '../../../harness/describe-on.ts'
import { gitOutput } from '../../../harness/git-output.ts'
import { useWorld } from '../../../harness/use-world.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const secret = 'zebra-orange-42-battery'

/** A variable with what Compose takes without it. */
const filled = (name: string, other: string): string => '$'.concat(`{${name}:-${other}}`)

describeOn('docker', 'the configuration of a Compose project', ({ compose: program = '' }) => {
  const world = useWorld()
  let good: string
  const projects: ComposeProject[] = []
  const servers: BuiltServer[] = []

  beforeAll(async () => {
    good = await makeImage(world.repository, '1.1.0')
    await makeImage(world.repository, '1.2.0')
  })
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close()
    for (const project of projects.splice(0)) await project.remove()
  })

  const service = (mode: string, more = '', environment = '') => `
services:
  web:
    image: ${world.repository}:${tagVariable}
    restart: always
    volumes: [data:/data]
    environment:
      MODE: ${mode}
      API_TOKEN: "${secret}$$1"
      FROM_SHELL: ${filled('FROM_SHELL', 'none')}
      GONE_LATER: ${filled('GONE_LATER', 'kept')}
      ${environment}
    ${more}
volumes: {data: {}}
`
  interface Deployed {
    project: ComposeProject
    /** The commit of the good configuration. */
    commit: string
  }

  /** A good configuration, then a broken one, both committed and deployed. */
  const deployed = async (then: string, now: string, tags = ['1.1.0', '1.1.0']): Promise<Deployed> => {
    const project = await composeProject(world, program, then, `TAG=${tags[0]}\n`)
    projects.push(project)
    await project.write('.gitignore', '.claude/popkit/rollbacks\n.claude/popkit/incidents\n')
    await commitAll(project.dir)
    const commit = await gitOutput(project.dir, 'rev-parse', 'HEAD')
    await project.compose('up', '-d', '--wait')
    await project.write('compose.yaml', `name: ${world.prefix}\n${now}`)
    await project.write('.env', `TAG=${tags[1]}\n`)
    await commitAll(project.dir)
    await project.compose('up', '-d')
    await mkdir(join(project.dir, '.claude/popkit'), { recursive: true })
    const history = [
      {
        timestamp: '2026-03-10T09:00:00Z',
        target: 'docker',
        version: '1.1.0',
        status: 'success',
        commit_sha: commit,
        digest: good
      }
    ]
    const config = {
      services: ['web'],
      project: world.prefix,
      settle_seconds: 1,
      rollback: { soak_seconds: 1, max_attempts: 50 }
    }
    const file = { version: '1.0', targets: { docker: { enabled: true, primary: true, config } }, history }
    await writeFile(join(project.dir, '.claude/popkit/deploy.json'), JSON.stringify(file))
    return { project, commit }
  }
  const serve = async ({ project }: Deployed): Promise<BuiltServer> => {
    const server = await startServer({
      projectDir: project.dir,
      env: { ...project.env, FROM_SHELL: 'of-this-process' }
    })
    servers.push(server)
    return server
  }
  const named = () => inspect(`${world.prefix}-web-1`)
  const execute = (server: BuiltServer, assessment: Answer, more: object = {}): Promise<Answer> =>
    server.call('execute_rollback', {
      target: 'docker',
      version: assessment.plan.version,
      plan_id: assessment.plan.id,
      with_config: true,
      ...more
    })
  const textsBelow = async (dir: string): Promise<string> => {
    const files = (await readdir(dir, { recursive: true, withFileTypes: true })).filter((one) => one.isFile())
    return (await Promise.all(files.map((one) => readFile(join(one.parentPath, one.name), 'utf8')))).join('\n')
  }

  it.skipIf(!program)(
    'goes back with an unchanged image, and no value of it reaches plan, journal or result',
    async () => {
      const scene = await deployed(service('good'), service('unhealthy', '', 'NEW_ONE: added'))
      await isUnhealthy(`${world.prefix}-web-1`)
      const server = await serve(scene)
      const plain = await server.call('assess_rollback', {})
      expect(plain.summary).toContain('--to 1.1.0 --with-config')
      const assessment = await server.call('assess_rollback', { with_config: true })
      expect(assessment).toMatchObject({ recommended: { version: '1.1.0' }, blockers: [] })
      expect(assessment.summary).toContain(`from commit ${scene.commit.slice(0, 7)}: variable MODE, variable NEW_ONE.`)
      const result = await execute(server, assessment)
      expect(result).toMatchObject({ outcome: 'succeeded', from: { version: '1.1.0' }, to: { version: '1.1.0' } })
      const now = await named()
      expect(now).toMatchObject({ Image: good, State: { Health: { Status: 'healthy' } } })
      expect(now.Config.Env).toEqual(expect.arrayContaining(['MODE=good', `API_TOKEN=${secret}$1`, 'GONE_LATER=kept']))
      expect(now.Config.Env.join()).not.toContain('NEW_ONE')
      expect(now.Config.Env.join()).not.toContain('of-this-process')
      expect(now.Mounts.map(({ Name }: { Name: string }) => Name)).toEqual([`${world.prefix}_data`])
      expect(result.remains.join()).toContain('compose.yaml')
      const said = [plain, assessment, result].map((answer) => JSON.stringify(answer)).join('\n')
      expect(said).not.toContain(secret)
      expect(await textsBelow(join(scene.project.dir, '.claude'))).not.toContain(secret)
      expect(await server.call('verify_rollback', {})).toMatchObject({ verdict: 'healthy' })
    }
  )

  it.skipIf(!program)(
    'names what an old commit asks for beyond environment and command, and gives none of it',
    async () => {
      const hostile = service(
        'good',
        `privileged: true
    pid: host
    cap_add: [SYS_ADMIN]
    command: ["/serve"]
    `
      )
        .replace('[data:/data]', '["/:/host", "data:/data"]')
        .replace(world.repository, `${world.repository}-other`)
      const scene = await deployed(service('good'), service('unhealthy'), ['1.1.0', '1.1.0'])
      await scene.project.write('compose.yaml', `name: ${world.prefix}\n${hostile}`)
      await commitAll(scene.project.dir)
      const planted = await gitOutput(scene.project.dir, 'rev-parse', 'HEAD')
      const path = join(scene.project.dir, '.claude/popkit/deploy.json')
      await writeFile(path, (await readFile(path, 'utf8')).replaceAll(scene.commit, planted))
      await isUnhealthy(`${world.prefix}-web-1`)
      const server = await serve(scene)
      const assessment = await server.call('assess_rollback', { with_config: true })
      const risk = assessment.risks.find(
        ({ id }: { id: string }) => id === `configuration_not_restored:${world.prefix}-web-1`
      )
      expect(risk).toMatchObject({ serious: true })
      for (const line of [
        'privileged',
        'cap_add SYS_ADMIN',
        'pid host',
        'mount of / at /host',
        `image ${world.repository}-other`
      ])
        expect(risk.detail).toContain(line)
      expect(await execute(server, assessment)).toMatchObject({ error: { code: 'risks_not_accepted' } })
      expect(await execute(server, assessment, { accept: [risk.id] })).toMatchObject({ outcome: 'succeeded' })
      const now = await named()
      expect(now).toMatchObject({ Image: good, HostConfig: { Privileged: false, PidMode: '' } })
      expect(now.Mounts.map(({ Destination }: { Destination: string }) => Destination)).toEqual(['/data'])
    }
  )

  it.skipIf(!program)('goes back with the earlier image', async () => {
    const scene = await deployed(service('good'), service('unhealthy'), ['1.1.0', '1.2.0'])
    await isUnhealthy(`${world.prefix}-web-1`)
    const server = await serve(scene)
    const without = await server.call('assess_rollback', { version: '1.1.0' })
    expect(without.summary).toContain(`known from commit ${scene.commit.slice(0, 7)}`)
    const assessment = await server.call('assess_rollback', { version: '1.1.0', with_config: true })
    expect(assessment.plan.id).not.toBe(without.plan.id)
    expect(await execute(server, assessment, { with_config: undefined })).toMatchObject({
      error: { code: 'stale_plan' }
    })
    expect(await execute(server, assessment)).toMatchObject({ outcome: 'succeeded' })
    await isHealthy(`${world.prefix}-web-1`)
    expect((await named()).Config.Env).toContain('MODE=good')
  })

  it.skipIf(!program)('that is not known exactly is not restored, and the plan says why', async () => {
    const env = 'environment:\n'
    const then = service('good').replace(env, `env_file: [/etc/hostname]\n    ${env}`)
    const scene = await deployed(then, service('unhealthy'))
    await isUnhealthy(`${world.prefix}-web-1`)
    const server = await serve(scene)
    const outside = await server.call('assess_rollback', { with_config: true, version: '1.1.0' })
    expect(outside.blockers).toMatchObject([
      { why: expect.stringContaining('read a file from outside the repository') }
    ])
    await rm(join(scene.project.dir, '.git'), { recursive: true })
    const gone = await server.call('assess_rollback', { with_config: true, version: '1.1.0' })
    expect(gone).toMatchObject({ error: { code: 'already_current' } })
  })
})
