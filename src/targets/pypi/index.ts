import { defineTarget } from '../define-target.ts'
import { pypiConfigSchema } from './config.ts'
import { discoverPypi } from './discover.ts'
import { versionPattern } from './names.ts'

/** A project of a Python package index: what installers take when they are asked for no version is what serves. */
export default defineTarget({
  label: 'PyPI',
  holds: 'packages',
  goesBackBy: 'instructions to yank the failed release, a manual step',
  needs: 'an owner of the project, in a browser',
  hosts: ['pypi.org', 'test.pypi.org', 'files.pythonhosted.org'],
  deployTools: {
    commands: ['twine upload', 'uv publish', 'poetry publish', 'hatch publish', 'flit publish', 'pdm publish'],
    options: { 'uv poetry hatch flit pdm': '-C --directory -P -p --project --config-file -e --env' },
    failure: {
      own: /^(ERROR|error)\b|HTTPError: [45]\d\d/m,
      anywhere: /HTTPError: [45]\d\d .{0,300}(legacy|upload|pypi)/m
    }
  },
  configSchema: pypiConfigSchema,
  version: { pattern: versionPattern, says: 'a version by PEP 440, such as 1.4.2 or 2.0rc1' },
  discover: discoverPypi,
  open: async (context) => (await import('./target.ts')).openTarget(context)
})
