/** How a deployment to a type of target looks in a shell, for the hook that names the last good version when one fails. */
export interface DeployTools {
  /** Program and subcommand: `npm publish`. A program alone stands for itself without a subcommand, or with a path. */
  commands: string[]
  /** Commands that may as well deploy nothing, such as `docker run`. */
  weakCommands?: string[]
  /** Other names of a program, and the name that it has above. */
  aliases?: Record<string, string>
  /** The options that take the word after them and may stand before the subcommand; by program, or by several with spaces between. */
  options?: Record<string, string>
  failure: {
    /** What a failed deploy command prints. Other programs, and the logs of an application, may print some of it as well. */
    own: RegExp
    /** What only a failed deploy command prints. */
    anywhere: RegExp
  }
}
