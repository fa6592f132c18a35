import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from './bundling.ts'

/** What the host reads of a plugin, where it looks for it. */
const copied = ['.claude-plugin/plugin.json', '.claude-plugin/icon.png', 'skills', 'commands', 'agents', 'LICENSE']
/** These name the programs to start: in the folder that is installed they lie at its top. */
const naming = ['.mcp.json', 'hooks/hooks.json']

/**
 * Writes the plugin beside its programs, so that an installed copy holds what runs and nothing else.
 * @param folder where the programs lie: it becomes the root of the plugin.
 * @throws Error for a file that starts no program of the bundle.
 */
export async function writePlugin(folder: string): Promise<void> {
  for (const path of copied) await cp(join(root, path), join(folder, path), { recursive: true })
  for (const path of naming) {
    const text = await readFile(join(root, path), 'utf8')
    const here = text.replaceAll(`\${CLAUDE_PLUGIN_ROOT}/dist/`, `\${CLAUDE_PLUGIN_ROOT}/`)
    if (here === text) throw new Error(`${path} starts no program in dist/`)
    await cp(join(root, path), join(folder, path))
    await writeFile(join(folder, path), here)
  }
  await writeFile(join(folder, 'README.md'), await readme())
}

async function readme(): Promise<string> {
  const { displayName, description, repository } = JSON.parse(
    await readFile(join(root, '.claude-plugin/plugin.json'), 'utf8')
  )
  return `# ${displayName}

${description}

Run \`/popkit-ops:deploy rollback\` in the project that you deployed, or say what is wrong in your own words. Nothing is changed before
you have seen the plan and said yes. Node 20 or later must be on your PATH.

The build writes this folder from the sources; do not edit it. Documentation and sources: ${repository}
`
}
