/** deploy.json as popkit's own skills write it, zone-less timestamps included. */
export const popkitFile = {
  version: '1.0',
  project_name: 'shop',
  created_at: '2026-03-01T09:00:00.123456',
  targets: {
    docker: {
      enabled: true,
      config: {
        image_name: 'shop',
        registry: 'ghcr.io/acme',
        build_context: '.',
        dockerfile: 'Dockerfile',
        platforms: ['linux/amd64'],
        tags: ['latest', '{{version}}'],
        build_args: { NODE_ENV: 'production' }
      },
      primary: true
    },
    npm: {
      enabled: true,
      config: { registry: 'https://registry.npmjs.org', access: 'public', tag: 'latest', dry_run: false },
      primary: false
    },
    vercel: {
      enabled: true,
      config: { production_branch: 'main', preview_branches: ['develop'], environment_variables: {} },
      primary: false
    },
    netlify: { enabled: false, config: { site_id: 'abc', publish_directory: 'dist' }, primary: false },
    github_releases: {
      enabled: true,
      config: { release_notes_source: 'changelog', draft: false, prerelease: false, assets: [] },
      primary: false
    },
    pypi: {
      enabled: true,
      config: { registry: 'https://upload.pypi.org/legacy/', distributions: ['wheel', 'sdist'] },
      primary: false
    }
  },
  ci: { provider: 'github_actions', triggers: { push: ['main'], tag: ['v*'] }, manual_only: false },
  history: [
    {
      timestamp: '2026-03-18T14:30:12.345678',
      target: 'docker',
      version: '1.2.0',
      status: 'failed',
      commit_sha: '0123456789abcdef0123456789abcdef01234567',
      duration_ms: 45210,
      error: 'health check failed'
    },
    {
      timestamp: '2026-03-10T10:00:00',
      target: 'docker',
      version: '1.1.0',
      status: 'success',
      commit_sha: null,
      duration_ms: 39999
    }
  ]
}
