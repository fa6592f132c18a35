import type { TargetType } from '../../src/targets/define-target.ts'
import { targetTypes } from '../../src/targets/index.ts'
import { deployJsonSchema } from './deploy-json-schema.ts'
import { type Generator, withBlock, withValues } from './generator.ts'

type Types = (readonly [name: string, definition: TargetType])[]

/** What follows from the definitions of the targets. */
export async function ofTargets(loaders = targetTypes): Promise<Generator[]> {
  const types: Types = await Promise.all(
    Object.entries(loaders).map(async ([name, load]) => [name, (await load()).default] as const)
  )
  const labels = types.map(([, { label }]) => label)
  const tokens = types.flatMap(([, { token }]) => token ?? [])
  return [
    {
      file: '.claude-plugin/plugin.json',
      text: (current, { description }) =>
        withValues(current, [
          [['description'], `${description} For ${listed(labels, 'and')}.`],
          [['keywords'], ['deployment', 'rollback', 'incident', ...types.map(([name]) => name)]],
          [
            ['userConfig'],
            Object.fromEntries(
              tokens.map(({ name, title, description }) => [
                optionOf(name),
                {
                  type: 'string',
                  title,
                  description: `${description}. Leave it empty if you do not deploy there.`,
                  sensitive: true,
                  required: false
                }
              ])
            )
          ],
          [['network', 'hosts'], [...new Set(types.flatMap(([, { hosts }]) => hosts))]]
        ])
    },
    {
      file: '.mcp.json',
      text: (current) =>
        withValues(current, [
          [
            ['mcpServers', 'rollback', 'env'],
            Object.fromEntries(tokens.map(({ name }) => [variableOf(name), `\${user_config.${optionOf(name)}}`]))
          ]
        ])
    },
    {
      file: 'server.json',
      text: (current) =>
        withValues(current, [
          [
            ['packages', 0, 'environmentVariables'],
            [
              {
                name: 'CLAUDE_PROJECT_DIR',
                description: 'Folder of the project that is deployed, where it is not the working directory',
                format: 'filepath',
                isRequired: false
              },
              ...tokens.map(({ name, description }) => ({
                name: variableOf(name),
                description,
                isSecret: true,
                isRequired: false
              }))
            ]
          ]
        ])
    },
    { file: 'README.md', text: (current) => withBlock(current, 'targets', tableOf(types)) },
    {
      file: 'skills/pop-deploy-rollback/SKILL.md',
      text: (current) => current.replace(/(?<=^description: .*, on ).*$/m, `${listed(labels, 'or')}.`)
    },
    { file: 'src/hooks/deploy-tools.ts', text: () => deployToolsModule(types) },
    { file: 'schema/deploy.schema.json', text: () => `${JSON.stringify(deployJsonSchema(types), null, 2)}\n` }
  ]
}

const optionOf = (token: string): string => `${token}_token`
const variableOf = (token: string): string => `POP_ROLLBACK_${token.toUpperCase()}_TOKEN`

const listed = (words: string[], link: string): string => `${words.slice(0, -1).join(', ')} ${link} ${words.at(-1)}`

function tableOf(types: Types): string[] {
  const rows = types.map(([name, { goesBackBy, needs, token }]) => {
    const page = `${name.replaceAll('_', '-')}.md`
    const variable = token ? `\`${variableOf(token.name)}\`` : ''
    return `| \`${name}\` | ${goesBackBy} | ${needs} | ${variable} | [${page}](docs/targets/${page}) |`
  })
  return ['| target | goes back by | needs | token from | details |', '|---|---|---|---|---|', ...rows]
}

/** The hook loads no schema and no target: it takes what it needs of them from this file. */
const deployToolsModule = (types: Types): string =>
  `// Written by \`npm run generate\` from the definitions in src/targets.
import type { DeployTools } from '../model/deploy-tools.ts'

export const deployTools: Record<string, DeployTools> = ${literal(
    Object.fromEntries(types.map(([name, { deployTools }]) => [name, deployTools]))
  )}
`

function literal(value: unknown, indent = ''): string {
  if (value instanceof RegExp) return String(value)
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return JSON.stringify(value)
  const inner = `${indent}  `
  const fields = Object.entries(value).map(([name, one]) => `${inner}${JSON.stringify(name)}: ${literal(one, inner)}`)
  return `{\n${fields.join(',\n')}\n${indent}}`
}
