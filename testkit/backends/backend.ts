/** A real system that tests run against. */
export interface Backend {
  name: string
  /** Finds it running, or starts it; never installs anything. The reason of a miss is for people. */
  bring(): Promise<Brought>
}

export type Brought =
  | {
      env: Record<string, string>
      /** Parts that are not there, and whose tests are skipped: "Docker Compose v2". */
      without?: string[]
      stop?: () => Promise<void>
    }
  | { missing: string }
