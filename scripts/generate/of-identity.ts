import { type Generator, type Identity, withBlock, withValues } from './generator.ts'

const slug = ({ owner, repository }: Identity): string => `${owner}/${repository}`
const page = (identity: Identity): string => `https://github.com/${slug(identity)}`
/** The name that the MCP registry gives to what a GitHub account publishes. */
const registryName = ({ owner, name }: Identity): string => `io.github.${owner}/${name.replace(/^@.*\//, '')}`

/** Whatever names the repository, the package or the version besides package.json. */
export const ofIdentity: Generator[] = [
  { file: 'package.json', text: (current, identity) => withValues(current, [[['mcpName'], registryName(identity)]]) },
  {
    file: 'server.json',
    text: (current, identity) =>
      withValues(current, [
        [['name'], registryName(identity)],
        [['version'], identity.version],
        [['repository', 'url'], page(identity)],
        [['packages', 0, 'identifier'], identity.name],
        [['packages', 0, 'version'], identity.version]
      ])
  },
  {
    file: '.claude-plugin/plugin.json',
    text: (current, identity) =>
      withValues(current, [
        [['version'], identity.version],
        [['license'], identity.license],
        [['repository'], page(identity)]
      ])
  },
  {
    file: '.claude-plugin/marketplace.json',
    text: (current, { description }) => withValues(current, [[['plugins', 0, 'description'], description]])
  },
  {
    file: 'src/version.ts',
    text: (current, { version }) => current.replace(/version = '[^']*'/, `version = '${version}'`)
  },
  {
    file: 'examples/github-actions.yml',
    text: (current, identity) =>
      current.replace(/uses: \S+\/\S+@\S+(?=\n {8}with: \{ mode)/g, `uses: ${slug(identity)}@v${identity.version}`)
  },
  {
    file: 'README.md',
    text: (current, identity) =>
      withBlock(current, 'install', [
        'In a clone of this repository:',
        '',
        '```sh',
        'claude plugin marketplace add "$PWD"',
        `claude plugin install ${identity.plugin}`,
        '```',
        // a placeholder is no address that could be pasted
        ...(identity.owner === 'OWNER'
          ? []
          : ['', `Without a clone: \`claude plugin marketplace add ${slug(identity)}\`, then the same install.`])
      ])
  }
]
