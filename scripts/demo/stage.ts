/** A scenery in which something was deployed and broke: real systems, all in temporary folders. */
export interface Stage {
  /** What was set up, one line each. */
  story: string[]
  projectDir: string
  /** Added to the environment of the server. */
  env: Record<string, string>
  /** What is taken back, where it is not the only target. */
  target?: string
  /** What somebody who uses the deployed thing sees now, one line each. */
  userSees(): Promise<string[]>
  /** Stops everything; the project folder with its report stays. */
  stop(): Promise<void>
}

/** Sets the scene, or says what it lacks, as a part of a sentence. */
export type Scene = () => Promise<Stage | { missing: string }>
