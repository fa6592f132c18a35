import { ConfigError } from '../../support/errors.ts'
import { oneLine } from '../../support/text.ts'
import type { TargetContext } from '../target.ts'
import { type DistributionKind, expectedKinds, type PypiConfig } from './config.ts'
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
  authorization: string | null
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
      what: 'It is not known which Python project this is about',
      why: 'neither `config.package` in deploy.json nor pyproject.toml nor setup.cfg of the project names it (setup.py is not run)',
      next: 'Set `config.package` of the target in deploy.json.',
      code: 'no_package'
    })
  const name = projectName(stated)
  const index = indexOf(context)
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

type Index = Pick<PypiSettings, 'simple' | 'warehouse' | 'label' | 'authorization'>

/** Names and upload addresses as twine and pip know them; `/legacy/` is where Warehouse takes uploads. */
function indexOf({ config, env, mask }: TargetContext<PypiConfig>): Index {
  const stated = (config.registry ?? 'pypi').trim()
  const known = knownIndexes[stated.toLowerCase()]
  if (known && !config.index_url) return warehouseAt(known.base, known.label)
  const url = addressOf(config.index_url ?? stated, config.index_url ? 'index_url' : 'registry', mask)
  const { authorization } = loginOf(url, env, mask)
  const host = url.hostname
  if (!config.index_url && /^(upload\.)?pypi\.org$/.test(host)) return warehouseAt('https://pypi.org', 'PyPI')
  if (!config.index_url && host === 'test.pypi.org') return warehouseAt('https://test.pypi.org', 'TestPyPI')
  const path = url.pathname.replace(/\/+$/, '')
  if (!config.index_url && path.endsWith('/legacy')) {
    const base = `${url.origin}${path.slice(0, -'/legacy'.length)}`
    return { ...warehouseAt(base, url.host), authorization }
  }
  const simple = config.index_url || /(^|\/|\+)simple$/.test(path) ? path : `${path}/simple`
  return { simple: `${url.origin}${simple}`, warehouse: null, label: url.host, authorization }
}

const knownIndexes: Record<string, { base: string; label: string }> = {
  pypi: { base: 'https://pypi.org', label: 'PyPI' },
  testpypi: { base: 'https://test.pypi.org', label: 'TestPyPI' }
}

const warehouseAt = (base: string, label: string): Index => ({
  simple: `${base}/simple`,
  warehouse: base,
  label,
  authorization: null
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

/** A login for an index of one's own: within its address, or within that of pip or uv, where they name the same server. */
function loginOf(url: URL, env: NodeJS.ProcessEnv, mask: TargetContext['mask']): { authorization: string | null } {
  const others = [env.PIP_INDEX_URL, env.PIP_EXTRA_INDEX_URL, env.UV_INDEX_URL, env.UV_DEFAULT_INDEX, env.UV_INDEX]
    .flatMap((value) => value?.split(/\s+/) ?? [])
    .map((value) => value.replace(/^[\w-]+=(?=https?:)/, ''))
    .filter((value) => URL.canParse(value))
    .map((value) => new URL(value))
  const found = [url, ...others].find((one) => one.origin === url.origin && one.password !== '')
  if (!found) return { authorization: null }
  const password = decodeURIComponent(found.password)
  const packed = Buffer.from(`${decodeURIComponent(found.username)}:${password}`).toString('base64')
  for (const secret of [password, found.password, packed]) mask.add(secret)
  return { authorization: `Basic ${packed}` }
}
