import { shellWord } from '../../support/shell-word.ts'
import { plain } from '../../support/text.ts'
import type { GitHubSettings } from './settings.ts'

/** The command by which a person edits a release: "gh release edit v1.2.0 --repo acme/app --latest". */
export function manualEdit({ host, owner, name }: GitHubSettings, tag: string, options: string): string {
  // gh takes a host other than github.com before the name of the repository.
  const repository = host === 'github.com' ? `${owner}/${name}` : `${host}/${owner}/${name}`
  return `gh release edit ${shellWord(plain(tag))} --repo ${repository} ${options}`
}
