import { createHash } from 'node:crypto'
import { type FileState, type PypiState, sha256, type VersionState } from './state.ts'

const hash = (kind: string, content: Buffer): string => createHash(kind).update(content).digest('hex')

/** A release as the JSON API tells it (docs.pypi.org/api/json), with all of its fields. */
export function jsonOf(state: PypiState, version: VersionState, pages: string, origin: string): object {
  const page = `${pages}/project/${state.name}/`
  return {
    info: {
      author: null,
      author_email: null,
      bugtrack_url: null,
      classifiers: [],
      description: '',
      description_content_type: null,
      docs_url: null,
      download_url: null,
      downloads: { last_day: -1, last_month: -1, last_week: -1 },
      dynamic: null,
      home_page: null,
      keywords: null,
      license: null,
      license_expression: null,
      license_files: null,
      maintainer: null,
      maintainer_email: null,
      name: state.name,
      package_url: page,
      platform: null,
      project_url: page,
      project_urls: null,
      provides_extra: null,
      release_url: `${page}${version.version}/`,
      requires_dist: version.requires.length > 0 ? version.requires : null,
      requires_python: version.requiresPython,
      summary: null,
      version: version.version,
      yanked: version.yanked,
      yanked_reason: version.reason
    },
    last_serial: 1,
    urls: version.files.map((file) => fileOf(file, version, origin)),
    vulnerabilities: (state.vulnerabilities[version.version] ?? []).map(({ id, summary }) => ({
      id,
      summary,
      aliases: [],
      details: summary,
      fixed_in: [],
      link: `https://osv.dev/vulnerability/${id}`,
      source: 'osv',
      withdrawn: null
    }))
  }
}

function fileOf(
  { name, content, requiresPython, uploadedAt }: FileState,
  version: VersionState,
  origin: string
): object {
  const wheel = name.endsWith('.whl')
  return {
    comment_text: null,
    digests: {
      blake2b_256: hash('blake2b512', content).slice(0, 64),
      md5: hash('md5', content),
      sha256: sha256(content)
    },
    downloads: -1,
    filename: name,
    has_sig: false,
    md5_digest: hash('md5', content),
    packagetype: wheel ? 'bdist_wheel' : 'sdist',
    python_version: wheel ? 'py3' : 'source',
    requires_python: requiresPython,
    size: content.length,
    upload_time: uploadedAt.replace(/\.\d+Z$/, ''),
    upload_time_iso_8601: uploadedAt,
    url: `${origin}/packages/${name}`,
    yanked: version.yanked,
    yanked_reason: version.reason
  }
}
