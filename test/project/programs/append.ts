import { appendHistory } from '../../../src/project/append-history.ts'
import { projectPaths } from '../../../src/project/paths.ts'

/** Appends records named `<label>-<n>` to the project's history, one after the other, saying each; killed at any moment. */
const [dir = '', label = '', count = '1'] = process.argv.slice(2)
for (let n = 0; n < Number(count); n++) {
  const at = new Date().toISOString()
  await appendHistory(projectPaths(dir), { at, target: 'npm', version: `${label}-${n}`, status: 'success' })
  process.stdout.write(`${label}-${n}\n`)
}
