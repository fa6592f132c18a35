declare module '@npmcli/config' {
  export default class Config {
    constructor(options: Record<string, unknown>)
    load(): Promise<void>
    get(key: string): unknown
    readonly flat: Record<string, unknown>
  }
}

declare module '@npmcli/config/lib/definitions/index.js' {
  const definitions: {
    definitions: Record<string, unknown>
    shorthands: Record<string, unknown>
    flatten: unknown
    nerfDarts: string[]
  }
  export default definitions
}

declare module 'npm-registry-fetch' {
  interface RegistryAuth {
    token: string | null
    auth: string | null
    cert: string | null
    key: string | null
  }
  interface Fetch {
    getAuth(uri: string, options: Record<string, unknown>): RegistryAuth
    pickRegistry(spec: string, options: Record<string, unknown>): string
  }
  const fetch: Fetch
  export default fetch
}
