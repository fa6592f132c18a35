import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { promisify } from 'node:util'
import { inflateSync } from 'node:zlib'
import matter from 'gray-matter'
import { describe, expect, test } from 'vitest'
import { png } from '../../scripts/icon.ts'
import { tools } from '../../src/render/index.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const text = (file: string): Promise<string> => readFile(join(root, file), 'utf8')
const json = async (file: string) => JSON.parse(await text(file))
const prefix = 'mcp__plugin_popkit-ops_rollback__'

const skill = matter(await text('skills/pop-deploy-rollback/SKILL.md'))
const command = matter(await text('commands/deploy.md'))
const agent = matter(await text('agents/rollback-specialist.md'))
const listed = (value: unknown): string[] => String(value).split(/,\s*/)

describe('skill', () => {
  test('its description says when, in one short paragraph', () => {
    const { name, description } = skill.data
    expect(name).toBe('pop-deploy-rollback')
    expect(description).toMatch(/^Use when /)
    expect(description.length).toBeLessThan(300)
  })

  test('asks the three questions in words that the host can show', () => {
    const rows = [...skill.content.matchAll(/^\| `(\w+)` \| ([^|]+?) \| ([^|]+?) \| ([^|]+?) \|$/gm)].map((row) =>
      row.slice(1)
    )
    expect(rows).toEqual([
      [
        'rollback_strategy',
        'How should I roll back?',
        'Strategy',
        'Previous version (Recommended) / Specific version / Investigate first'
      ],
      [
        'confirm_rollback',
        'Confirm rollback? This will revert the deployment.',
        'Confirm',
        'Roll back now / Dry run first / Abort'
      ],
      [
        'incident_report',
        'Rollback complete. Create incident report?',
        'Report',
        'Create report (Recommended) / Skip report'
      ]
    ])
    for (const [, , header = '', options = ''] of rows) {
      const labels = options.split(' / ')
      expect(header.length).toBeLessThanOrEqual(12)
      expect(labels.length).toBeGreaterThanOrEqual(2)
      expect(labels.length).toBeLessThanOrEqual(4)
      for (const label of labels) expect(label.split(' ').length).toBeLessThanOrEqual(5)
    }
  })

  test('names only arguments that the tools take', () => {
    const taken = new Set(tools.flatMap(({ description }) => Object.keys(description.inputSchema.properties ?? {})))
    const named = [...skill.content.matchAll(/`([a-z_]+)(?:: [^`]+)?`/g)].map(([, name = '']) => name)
    for (const name of ['rehearse', 'soak_seconds', 'investigate', 'impact', 'root_cause', 'accept', 'dry_run']) {
      expect(named, name).toContain(name)
      expect([...taken], name).toContain(name)
    }
  })

  test('names every tool, branches for what may come, and stays short', () => {
    for (const { name } of tools) expect(skill.content).toContain(`\`${name}\``)
    for (const branch of [
      'Interrupted rollback',
      'Already healthy',
      'Nothing to roll back to',
      'No recommendation',
      'Plan out of date',
      '`undone`',
      'A release of several targets',
      'Ended in part',
      '`stuck`',
      '`manual`',
      'No AskUserQuestion'
    ])
      expect(skill.content).toContain(`**${branch}**`)
    expect(skill.content.split('\n').length).toBeLessThanOrEqual(150)
  })
})

describe('permissions that the plugin gives', () => {
  const reads = tools.filter(({ effect }) => effect !== 'changes the target').map(({ name }) => prefix + name)

  test.each([
    ['skill', skill, reads],
    ['command', command, ['Skill(popkit-ops:pop-deploy-rollback)', ...reads]]
  ])('%s: everything but the execution, and never the questions', (_, { data }, allowed) => {
    expect(listed(data['allowed-tools']).sort()).toEqual([...allowed].sort())
  })

  test('the agent can read and nothing else', () => {
    const own = tools.filter(({ effect }) => effect === 'reads').map(({ name }) => prefix + name)
    expect(listed(agent.data.tools)).toEqual(['Read', 'Grep', 'Glob', ...own])
  })

  test('names of tools fit into the host', () => {
    for (const { name } of tools) expect(`${prefix}${name}`.length).toBeLessThanOrEqual(64)
  })
})

describe('manifest', () => {
  test('each token is asked for as a secret and handed to the server only', async () => {
    const { userConfig } = await json('.claude-plugin/plugin.json')
    const { env } = (await json('.mcp.json')).mcpServers.rollback
    for (const [key, option] of Object.entries<Record<string, unknown>>(userConfig)) {
      expect(option).toMatchObject({ type: 'string', sensitive: true, required: false })
      expect(env[`POP_ROLLBACK_${key.toUpperCase()}`]).toBe(`\${user_config.${key}}`)
    }
    expect(Object.keys(env)).toHaveLength(Object.keys(userConfig).length)
  })

  test('whatever is started lies in dist', async () => {
    const { hooks } = await json('hooks/hooks.json')
    const handlers = Object.values<{ hooks: { command: string; args: string[] }[] }[]>(hooks).flatMap((groups) =>
      groups.flatMap((group) => group.hooks)
    )
    const started = [...handlers, (await json('.mcp.json')).mcpServers.rollback]
    expect(started).toHaveLength(5)
    for (const { command, args } of started) {
      expect(command).toBe('node')
      expect(args[0]).toMatch(/^\$\{CLAUDE_PLUGIN_ROOT\}\/dist\/\w+\.mjs$/)
      const file = args[0]?.replace(/^\$\{CLAUDE_PLUGIN_ROOT\}/, root) ?? ''
      expect(existsSync(file), file).toBe(true)
    }
  })
})

describe('dist', () => {
  test('holds, as committed, every file that one of its files imports', async () => {
    const git = async (...args: string[]) => (await run('git', args, { cwd: root, maxBuffer: 64 * 1024 * 1024 })).stdout
    const files = (await git('ls-tree', '-r', '--name-only', 'HEAD', 'dist')).split('\n').filter(Boolean)
    for (const entry of ['dist/server.mjs', 'dist/cli.mjs', 'dist/hook.mjs']) expect(files).toContain(entry)
    const missing: string[] = []
    let seen = 0
    for (const file of files) {
      const imports = [
        ...(await git('show', `HEAD:${file}`)).matchAll(/(?:from|import)\s*\(?\s*["'`](\.{1,2}\/[^"'`]+\.mjs)["'`]/g)
      ]
      for (const [, path = ''] of imports) {
        seen++
        const imported = posix.join(posix.dirname(file), path)
        if (!files.includes(imported)) missing.push(`${file} imports ${imported}`)
      }
    }
    expect(missing).toEqual([])
    expect(seen).toBeGreaterThan(files.length)
  })
})

describe('icon', () => {
  test('is what the script draws, square and large enough', async () => {
    const file = await readFile(join(root, '.claude-plugin/icon.png'))
    expect([file.readUInt32BE(16), file.readUInt32BE(20)]).toEqual([512, 512])
    expect(decoded(file).equals(decoded(png()))).toBe(true)
  })
})

/** The filtered rows of a PNG with one IDAT chunk; compression may differ from one Node to the next. */
function decoded(file: Buffer): Buffer {
  const at = file.indexOf('IDAT')
  return inflateSync(file.subarray(at + 4, at + 4 + file.readUInt32BE(at - 4)))
}
