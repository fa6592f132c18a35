import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readText } from '../../support/read-text.ts'
import type { Discover } from '../target.ts'

const releaseTools =
  /^(\.goreleaser\.ya?ml|goreleaser\.ya?ml|\.releaserc(\.\w+)?|release\.config\.[cm]?js|\.release-it\.\w+|release-please-config\.json)$/
const publishes =
  /action-gh-release|create-release|release-action|gh release (create|upload)|goreleaser|release-please|semantic-release/

/** A clone from GitHub whose files publish releases: a release tool's settings, or a workflow that does it. */
export const discoverGitHubReleases: Discover = async (projectDir) => {
  try {
    const config = await readText(join(projectDir, '.git/config'))
    if (!/^[ \t]*url[ \t]*=.{0,300}\bgithub\.com[:/]/m.test(config)) return null
    const evidence = (await toolOf(projectDir)) ?? (await workflowOf(projectDir))
    return evidence ? { config: {}, because: `the git remote is on GitHub and ${evidence}` } : null
  } catch {
    return null
  }
}

async function toolOf(projectDir: string): Promise<string | null> {
  const found = (await readdir(projectDir)).find((name) => releaseTools.test(name))
  return found ? `${found} is there` : null
}

async function workflowOf(projectDir: string): Promise<string | null> {
  const folder = join(projectDir, '.github/workflows')
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.ya?ml$/.test(name)).slice(0, 50)
  for (const name of names) {
    const text = await readText(join(folder, name))
    if (text.length < 500_000 && publishes.test(text)) return `the workflow ${name} publishes releases`
  }
  return null
}
