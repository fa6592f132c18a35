import { Ajv } from 'ajv'

const text = { type: 'string' }
const nullableText = { type: ['string', 'null'] }

/** A project of the Simple API as JSON: PEP 691 with PEP 592, 700 and 792 (packaging.python.org, "Simple repository API"). */
const simple = {
  type: 'object',
  additionalProperties: false,
  required: ['meta', 'name', 'files', 'versions'],
  properties: {
    meta: { type: 'object', required: ['api-version'], properties: { 'api-version': { pattern: '^1\\.\\d+$' } } },
    name: { type: 'string', pattern: '^[a-z0-9]+(-[a-z0-9]+)*$' },
    'alternate-locations': { type: 'array', items: text },
    versions: { type: 'array', uniqueItems: true, items: text },
    'project-status': {
      type: 'object',
      properties: { status: { enum: ['active', 'archived', 'quarantined', 'deprecated'] }, reason: text }
    },
    files: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['filename', 'url', 'hashes', 'size'],
        properties: {
          filename: text,
          url: text,
          hashes: { type: 'object', additionalProperties: text },
          'requires-python': text,
          yanked: { type: ['boolean', 'string'] },
          size: { type: 'integer' },
          'core-metadata': { type: ['boolean', 'object'] },
          'data-dist-info-metadata': { type: ['boolean', 'object'] },
          provenance: nullableText,
          'upload-time': { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,6})?Z$' }
        }
      }
    }
  }
}

/** A project or a release of the JSON API (docs.pypi.org/api/json). */
const json = {
  type: 'object',
  required: ['info', 'last_serial', 'urls', 'vulnerabilities'],
  properties: {
    info: {
      type: 'object',
      required: ['name', 'version', 'yanked', 'yanked_reason', 'requires_python', 'requires_dist'],
      properties: {
        name: text,
        version: text,
        yanked: { type: 'boolean' },
        yanked_reason: nullableText,
        requires_python: nullableText,
        requires_dist: { type: ['array', 'null'], items: text }
      }
    },
    last_serial: { type: 'integer' },
    releases: { type: 'object' },
    urls: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: [
          'digests',
          'filename',
          'packagetype',
          'size',
          'upload_time_iso_8601',
          'url',
          'yanked',
          'yanked_reason'
        ],
        properties: {
          ...Object.fromEntries(
            ['filename', 'md5_digest', 'python_version', 'upload_time', 'url'].map((name) => [name, text])
          ),
          ...Object.fromEntries(
            ['comment_text', 'requires_python', 'yanked_reason'].map((name) => [name, nullableText])
          ),
          digests: { type: 'object', required: ['blake2b_256', 'md5', 'sha256'], additionalProperties: text },
          packagetype: { enum: ['bdist_wheel', 'sdist', 'bdist_egg'] },
          downloads: { const: -1 },
          has_sig: { type: 'boolean' },
          size: { type: 'integer' },
          upload_time_iso_8601: { type: 'string', pattern: 'Z$' },
          yanked: { type: 'boolean' }
        }
      }
    },
    vulnerabilities: { type: 'array' }
  }
}

const ajv = new Ajv({ allErrors: true, strictTypes: false })
const validators = { simple: ajv.compile(simple), json: ajv.compile(json) }

/** What is wrong with an answer, one line each. */
export function wrongWith(kind: 'simple' | 'json', body: unknown): string[] {
  const validate = validators[kind]
  return validate(body) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}
