/** A real system that tests run against. */
export interface Backend {
  name: string
  /** Finds it running, or starts it; never installs anything. The reason of a miss is for people. */
  bring(): Promise<Brought>
}

export type Brought = { env: Record<string, string>; stop?: () => Promise<void> } | { missing: string }
