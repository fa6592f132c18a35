import { ConfigError } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import type { TargetContext } from '../target.ts'
import { type DistributionKind, expectedKinds, type PypiConfig } from './config.ts'
import { findLogin, type IndexLogin } from './login.ts'
import { normalized, projectName } from './names.ts'
import { pythonProject } from './python-project.ts'

/** What this target is about, settled from deploy.json and the project. */
export interface PypiSettings {
  /** As the project writes it. */
  name: string
  /** As the index has it in its addresses. */
  path: string
  /** Base of the Simple API, without a slash at the end. */
  simple: string
  /** Base of an index that runs PyPI's own software (Warehouse), with its JSON API and its pages; null for another. */
  warehouse: string | null
  /** How people call the index. */
  label: string
  login: IndexLogin | null
  /** Where a login was looked for; empty for a public index. */
  loginPlaces: string[]
  kinds: DistributionKind[]
  /** What was assumed, for people. */
  notes: string[]
}

/** @throws ConfigError when no project is named, or a name or address is not valid. */
export async function settle(context: TargetContext<PypiConfig>): Promise<PypiSettings> {
  const { config, projectDir } = context
  const found = config.package ? null : await pythonProject(projectDir)
  const stated = config.package ?? found?.name
  if (!stated)
    throw new ConfigError({
      what: 'The Python project is not configured',
      why: '`config.package` in deploy.json, pyproject.toml and setup.cfg do not name it (setup.py is not run)',
      next: 'Set `config.package` of the target in deploy.json.',
      code: 'no_package'
    })
  const name = projectName(stated)
  const index = await indexOf(context)
  return {
    name,
    path: normalized(name),
    ...index,
    kinds: expectedKinds(config.distributions),
    notes: [
      ...(found ? [`The project is ${name}: ${found.file} names it.`] : []),
      ...(index.label === 'PyPI' ? [] : [`The index is ${index.label}.`])
    ]
  }
}

type Index = Pick<PypiSettings, 'simple' | 'warehouse' | 'label' | 'login' | 'loginPlaces'>

/** Names and upload addresses as twine and pip know them; `/legacy/` is where Warehouse takes uploads. */
async function indexOf(context: TargetContext<PypiConfig>): Promise<Index> {
  const { config, mask } = context
  const stated = (config.registry ?? 'pypi').trim()
  const known = knownIndexes[stated.toLowerCase()]
  if (known && !config.index_url) return warehouseAt(known.base, known.label)
  const field = config.index_url ? 'index_url' : 'registry'
  const url = addressOf(config.index_url ?? stated, field, mask)
  const host = url.hostname
  if (!config.index_url && /^(upload\.)?pypi\.org$/.test(host)) return warehouseAt('https://pypi.org', 'PyPI')
  if (!config.index_url && host === 'test.pypi.org') return warehouseAt('https://test.pypi.org', 'TestPyPI')
  const { login, places: loginPlaces } = await findLogin(url, field, context)
  const path = url.pathname.replace(/(?<!\/)\/+$/, '')
  if (!config.index_url && path.endsWith('/legacy')) {
    const base = `${url.origin}${path.slice(0, -'/legacy'.length)}`
    return { ...warehouseAt(base, url.host), login, loginPlaces }
  }
  const simple = config.index_url || /(^|\/|\+)simple$/.test(path) ? path : `${path}/simple`
  return { simple: `${url.origin}${simple}`, warehouse: null, label: url.host, login, loginPlaces }
}

const knownIndexes: Record<string, { base: string; label: string }> = {
  pypi: { base: 'https://pypi.org', label: 'PyPI' },
  testpypi: { base: 'https://test.pypi.org', label: 'TestPyPI' }
}

const warehouseAt = (base: string, label: string): Index => ({
  simple: `${base}/simple`,
  warehouse: base,
  label,
  login: null,
  loginPlaces: []
})

function addressOf(text: string, field: string, mask: TargetContext['mask']): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url && /^https?:$/.test(url.protocol)) {
    mask.add(url.password)
    return url
  }
  throw new ConfigError({
    what: 'The address of the package index is not valid',
    why: `\`config.${field}\` is "${oneLine(mask.text(text), 100)}", which is neither pypi, testpypi nor an http or https address`,
    next: `Correct \`config.${field}\` of the target in deploy.json.`,
    code: 'bad_registry'
  })
}
