import { Ajv, type ValidateFunction } from 'ajv'

interface Operation {
  parameters?: ({ $ref: string } | Parameter)[]
  requestBody?: { content?: Record<string, { schema?: object }> }
  responses: Record<string, { $ref: string } | { content?: Record<string, { schema?: object }> }>
}

interface Parameter {
  name: string
  in: string
  required?: boolean
  schema?: Schema
}

interface Document {
  paths: Record<string, Record<string, Operation>>
  components: object
}

interface Schema {
  $ref?: string
  type?: string
  nullable?: boolean
  enum?: unknown[]
  required?: string[]
  properties?: Record<string, Schema>
  allOf?: Schema[]
  oneOf?: Schema[]
  anyOf?: Schema[]
}

export interface OpenApi {
  /** The operation that answers a path; null when the document has none. */
  find(method: string, path: string): FoundOperation | null
  /** An object that has all that a schema requires, empty where nothing is said. */
  filled(schema: string, known: Record<string, unknown>): Record<string, unknown>
}

export interface FoundOperation {
  template: string
  parameters: Record<string, string>
  /** What is wrong with a request's query and body, one line each. */
  request(query: URLSearchParams, body: unknown): string[]
  /** What is wrong with an answer. */
  answer(status: number, body: unknown): string[]
}

/** Holds requests and answers against a platform's own OpenAPI document. */
export function openApi(json: unknown): OpenApi {
  const document = json as Document
  const ajv = new Ajv({ strict: false, allErrors: true, coerceTypes: false, validateFormats: false })
  ajv.addSchema({ $id: 'openapi', components: jsonSchema(document.components) })
  const compiled = new Map<object, ValidateFunction>()
  const check = (schema: object, value: unknown, what: string): string[] => {
    const validate = compiled.get(schema) ?? ajv.compile(absolute(schema))
    compiled.set(schema, validate)
    if (validate(value)) return []
    return (validate.errors ?? []).map(({ instancePath, message }) => `${what}${instancePath} ${message}`)
  }
  const resolve = <T>(value: T | { $ref: string }): T => {
    if (!value || typeof value !== 'object' || !('$ref' in value)) return value as T
    const [kind = '', name = ''] = value.$ref.replace('#/components/', '').split('/')
    return (document.components as Record<string, Record<string, T>>)[kind]?.[name] as T
  }

  return {
    find(method, path) {
      for (const [template, operations] of Object.entries(document.paths)) {
        const parameters = match(template, path)
        const operation = operations[method.toLowerCase()]
        if (!parameters || !operation) continue
        return { template, parameters, request: requestOf(operation), answer: answerOf(operation) }
      }
      return null
    },
    filled: (schema, known) => ({
      ...(empty(inDocument({ $ref: `#/components/schemas/${schema}` })) as object),
      ...known
    })
  }

  function inDocument(schema: Schema): Schema {
    return schema.$ref ? resolve<Schema>(schema as { $ref: string }) : schema
  }

  function empty(schema: Schema): unknown {
    if (schema.nullable) return null
    if (schema.enum) return schema.enum[0]
    const part = schema.allOf?.[0] ?? schema.oneOf?.[0] ?? schema.anyOf?.[0]
    if (part) return empty(inDocument(part))
    if (schema.type === 'array') return []
    if (schema.type === 'string') return ''
    if (schema.type === 'integer' || schema.type === 'number') return 0
    if (schema.type === 'boolean') return false
    const properties = schema.properties ?? {}
    return Object.fromEntries(
      (schema.required ?? []).map((name) => [name, empty(inDocument(properties[name] ?? { nullable: true }))])
    )
  }

  function requestOf(operation: Operation): FoundOperation['request'] {
    return (query, body) => {
      const known = (operation.parameters ?? [])
        .map((one) => resolve<Parameter>(one))
        .filter((one) => one.in === 'query')
      const names = new Set(known.map(({ name }) => name))
      const unknown = [
        ...[...query.keys()].filter((name) => !names.has(name)).map((name) => `query has no ${name}`),
        ...known.flatMap(({ name, schema }) => wrongValue(name, query.get(name), schema))
      ]
      const schema = operation.requestBody?.content?.['application/json']?.schema
      if (body === undefined) return unknown
      if (!schema) return [...unknown, 'a body is not taken']
      return [...unknown, ...check({ ...schema, additionalProperties: false }, body, 'body')]
    }
  }

  function answerOf(operation: Operation): FoundOperation['answer'] {
    return (status, body) => {
      const response = operation.responses[status] ?? (status >= 400 ? operation.responses.default : undefined)
      if (!response) return status < 400 ? [`no answer ${status} is documented`] : []
      const schema = resolve(response).content?.['application/json']?.schema
      return schema && body !== undefined ? check(schema, body, 'answer') : []
    }
  }
}

/** A value in a query is text; what it must be like is said of what it stands for. */
function wrongValue(name: string, value: string | null, schema: Schema | undefined): string[] {
  if (value === null || !schema) return []
  const fits =
    (schema.type === 'integer' && /^-?\d+$/.test(value)) ||
    (schema.type === 'boolean' && /^(true|false)$/.test(value)) ||
    !['integer', 'boolean'].includes(schema.type ?? '')
  const listed = !schema.enum || schema.enum.map(String).includes(value)
  return fits && listed ? [] : [`query ${name} is ${value}`]
}

/** Path parameters by name. The last one may hold slashes: GitHub's paths and refs do. */
function match(template: string, path: string): Record<string, string> | null {
  const names: string[] = []
  const last = template.lastIndexOf('{')
  const pattern = template.replace(/\{(\w+)\}/g, (_, name: string, at: number) => {
    names.push(name)
    return at === last && /^(path|ref|basehead)$/.test(name) ? '(.+)' : '([^/]+)'
  })
  const found = new RegExp(`^${pattern}$`).exec(path)
  return found && Object.fromEntries(names.map((name, index) => [name, decodeURIComponent(found[index + 1] ?? '')]))
}

/** What OpenAPI 3.0 says in words of its own, in those of JSON Schema; references are made to the registered document. */
function absolute(schema: object): object {
  return JSON.parse(JSON.stringify(jsonSchema(schema)).replaceAll('"#/components/', '"openapi#/components/'))
}

function jsonSchema(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(jsonSchema)
  if (!value || typeof value !== 'object') return value
  const { nullable, ...rest } = Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, jsonSchema(inner)])
  )
  return nullable === true ? { anyOf: [rest, { type: 'null' }] } : rest
}
