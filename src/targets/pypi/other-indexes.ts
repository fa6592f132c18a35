import type { PypiSettings } from './settings.ts'

/** What a person types so that installers skip a version, or take it again. */
interface Commands {
  hide: string
  show: string
}

/** An index whose address tells what it is; null for another. */
export const commandsOf = (settings: PypiSettings, version: string): Commands | null =>
  codeArtifact(settings, version) ?? gitea(settings, version) ?? gitlab(settings, version) ?? devpi(settings, version)

/**
 * AWS CodeArtifact hides a version from installers, or shows it again, by setting its status (docs.aws.amazon.com/codeartifact, "Update package
 * version status"). The address of its repositories holds all that the command needs.
 */
function codeArtifact({ simple, path }: PypiSettings, version: string): Commands | null {
  const { hostname, pathname } = new URL(simple)
  const host = /^([a-z][a-z0-9-]*[a-z0-9])-(\d{12})\.d\.codeartifact\.([a-z0-9-]+)\.amazonaws\.com$/.exec(hostname)
  const repository = /^\/pypi\/([A-Za-z0-9][\w.-]{1,99})\/simple$/.exec(pathname)?.[1]
  if (!host || !repository) return null
  const [, domain, owner, region] = host
  const command = (status: string): string =>
    `aws codeartifact update-package-versions-status --region ${region} --domain ${domain} --domain-owner ${owner} --repository ${repository} --format pypi --package ${path} --versions ${version} --target-status ${status}`
  return { hide: command('Unlisted'), show: command('Published') }
}

/** These document no yank: what keeps a version from installers is to delete it. */
const deleting = (label: string, version: string, command: string): Commands => ({
  hide: `${label} documents no yank, so only deleting ${version} keeps it from installers, and from those who pinned it. Download its files first, then: ${command}`,
  show: `Upload the files of ${version} again: twine upload`
})

/** Gitea and Forgejo: docs.gitea.com/api, operation deletePackage. */
function gitea({ simple, path }: PypiSettings, version: string): Commands | null {
  const [base, rest] = parted(simple, '/api/packages/')
  const owner = /^([\w.-]{1,100})\/pypi\/simple$/.exec(rest)?.[1]
  if (!owner) return null
  return deleting(
    'Gitea or Forgejo',
    version,
    `curl -X DELETE -H "Authorization: token $TOKEN" ${base}/api/v1/packages/${owner}/pypi/${path}/${encodeURIComponent(version)}`
  )
}

/** docs.gitlab.com/api/packages: a package is deleted by its number. */
function gitlab({ simple, path }: PypiSettings, version: string): Commands | null {
  const [base, rest] = parted(simple, '/api/v4/projects/')
  const project = /^([\w.%-]{1,200})\/packages\/pypi\/simple$/.exec(rest)?.[1]
  if (!project) return null
  const packages = `${base}/api/v4/projects/${project}/packages`
  const curl = 'curl -H "PRIVATE-TOKEN: $TOKEN"'
  return deleting(
    'GitLab',
    version,
    `${curl} '${packages}?package_type=pypi&package_name=${path}&package_version=${encodeURIComponent(version)}' shows its id; ${curl} -X DELETE ${packages}/ID`
  )
}

/** What stands before and after a part of an address; nothing where it is not there, or a shell would read in it. */
function parted(simple: string, part: string): [string, string] {
  const at = /^[\w.:/%+@-]+$/.test(simple) ? simple.indexOf(part) : -1
  return at < 0 ? ['', ''] : [simple.slice(0, at), simple.slice(at + part.length)]
}

/** devpi shows what its mirrors yanked; its program removes a version from an index that is volatile. */
function devpi({ simple, path }: PypiSettings, version: string): Commands | null {
  const [index, rest] = parted(simple, '/+simple')
  return index && rest === ''
    ? deleting('devpi', version, `devpi use ${index} && devpi remove ${path}==${version}`)
    : null
}
