/** A document in Swagger 2.0, said in the words of OpenAPI 3.0, as far as requests and answers of JSON go. */
export function fromSwagger(json: unknown): unknown {
  const { paths, definitions = {} } = json as Swagger
  return {
    paths: Object.fromEntries(
      Object.entries(paths).map(([path, item]) => [
        path,
        Object.fromEntries(
          methods.flatMap((method) => {
            const operation = item[method]
            return operation ? [[method, operationOf(operation, item.parameters ?? [])]] : []
          })
        )
      ])
    ),
    components: { schemas: Object.fromEntries(Object.entries(definitions).map(([name, one]) => [name, nullable(one)])) }
  }
}

interface Swagger {
  paths: Record<string, Record<string, Operation> & { parameters?: Parameter[] }>
  definitions?: Record<string, object>
}

interface Operation {
  parameters?: Parameter[]
  responses: Record<string, { schema?: object }>
}

interface Parameter {
  name: string
  in: string
  required?: boolean
  type?: string
  enum?: unknown[]
  schema?: object
}

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const

function operationOf({ parameters = [], responses }: Operation, shared: Parameter[]): object {
  const all = [...shared, ...parameters]
  const body = all.find((one) => one.in === 'body')?.schema
  return {
    parameters: all
      .filter((one) => one.in !== 'body')
      .map(({ name, in: place, required, type, enum: values }) => ({
        name,
        in: place,
        required,
        schema: { type, ...(values && { enum: values }) }
      })),
    ...(body && { requestBody: inJson(body) }),
    responses: Object.fromEntries(
      Object.entries(responses).map(([status, { schema }]) => [status, schema ? inJson(nullable(schema)) : {}])
    )
  }
}

const inJson = (schema: object) => ({ content: { 'application/json': { schema } } })

/** Swagger 2.0 has no word for null. What is not marked as never null may be: answers have it where nothing is known. */
function nullable(schema: object, inside = false): object {
  const { properties, items, ...rest } = schema as { properties?: Record<string, object>; items?: object }
  const never = (schema as { 'x-nullable'?: boolean })['x-nullable'] === false
  return {
    ...rest,
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, nullable(one, true)]))
    }),
    ...(items && { items: nullable(items) }),
    ...(inside && !never && { nullable: true })
  }
}
