import { join } from 'node:path'
import { readText } from '../../support/read-text.ts'
import type { Discover } from '../target.ts'
import { pythonProject } from './python-project.ts'

/** A Python project that names itself and can be built; one marked as private with the classifier that PyPI refuses is none. */
export const discoverPypi: Discover = async (projectDir) => {
  const found = await pythonProject(projectDir)
  if (!found) return null
  const text = await readText(join(projectDir, found.file))
  if (/Private\s*::/.test(text)) return null
  const builds = found.file === 'setup.cfg' || /^[ \t]*\[(build-system|tool\.poetry)\]/m.test(text)
  return builds ? { config: {}, because: `${found.file} names the Python project ${found.name}` } : null
}
