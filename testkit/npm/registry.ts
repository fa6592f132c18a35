/** What leads npm to a registry, with a login. */
export const npmrc = (registry: string, token: string): string =>
  `registry=${registry}\n${token ? `${registry.replace(/^https?:/, '')}:_authToken=${token}\n` : ''}`

/** What the registry answers about a package, asked plainly. */
export async function packumentOf(
  registry: string,
  name: string
): Promise<{ tags: Record<string, string>; deprecated(version: string): string | undefined }> {
  const response = await fetch(`${registry}${name.replace('/', '%2f')}`)
  const document = (await response.json()) as {
    'dist-tags': Record<string, string>
    versions: Record<string, { deprecated?: string }>
  }
  return { tags: document['dist-tags'], deprecated: (version) => document.versions[version]?.deprecated }
}
