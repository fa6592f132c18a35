import type { Identity } from './generator.ts'

/** Reads the identity of this copy. Its repository is stated once, in package.json. */
export function identityFrom(read: (file: string) => string): Identity {
  const { name, version, license, description, repository } = JSON.parse(read('package.json'))
  const [, owner, project] =
    /^git\+https:\/\/github\.com\/([\w.-]+)\/([\w.-]+?)\.git$/.exec(repository?.url ?? '') ?? []
  if (!owner || !project)
    throw new Error(
      `repository.url in package.json is ${JSON.stringify(repository?.url)}. Write it as git+https://github.com/<owner>/<name>.git.`
    )
  const plugin = JSON.parse(read('.claude-plugin/plugin.json')).name
  const marketplace = JSON.parse(read('.claude-plugin/marketplace.json')).name
  return { name, version, license, description, owner, repository: project, plugin: `${plugin}@${marketplace}` }
}
