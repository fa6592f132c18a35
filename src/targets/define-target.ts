import type { z } from 'zod'
import type { DeployTools } from '../model/deploy-tools.ts'
import { ConfigError } from '../support/errors.ts'
import type { Discover, DiscoverAll, Target, TargetContext } from './target.ts'

/** A token that the plugin asks for, and hands over as `POP_ROLLBACK_<NAME>_TOKEN`. */
export interface PluginToken {
  /** As `fromPlugin` of src/http/credentials.ts takes it. */
  name: string
  /** "Netlify token". */
  title: string
  /** What kind of token: "Netlify personal access token". */
  description: string
}

/** Everything that the rest of the repository knows of a type of target. */
export interface TargetDefinition<Config> {
  /** How people call it. */
  label: string
  /** What of a release it holds. What serves traffic goes back first, then packages, then what announces the release. */
  holds: 'traffic' | 'packages' | 'announcements'
  /** How a rollback is done, in the README's table: "publishing an earlier deploy again". */
  goesBackBy: string
  /** What it takes, in the same table: "a Netlify token". */
  needs: string
  /** The hosts that it may contact; a host that the configuration names is not listed. */
  hosts: string[]
  token?: PluginToken
  deployTools: DeployTools
  /** deploy.json's `targets.<name>.config`; loose, so that fields of other tools survive. */
  configSchema: z.ZodType<Config>
  /** The grammar of a version that a caller may name. */
  version: { pattern: RegExp; says: string }
  /** Its `config` has a `rehearse`, which a call may set: the candidate is tried out before anything that serves is changed. */
  canRehearse?: true
  /** A call may ask for the candidate's own configuration as well. */
  canRestoreConfig?: true
  /** Looks for the target in a project without deploy.json. Reads files only. */
  discover: Discover | DiscoverAll
  /**
   * Imports the target's client and opens the target; reads no network yet.
   * @throws ConfigError for credentials or settings that are missing or wrong.
   */
  open(context: TargetContext<Config>): Promise<Target>
}

/** A type of target whose `open` takes any configuration, and refuses what its schema refuses. */
export type TargetType = TargetDefinition<unknown>

/** Defines a type of target; the default export of its folder's index.ts, which imports no client. */
export const defineTarget = <Config>(definition: TargetDefinition<Config>): TargetType => ({
  ...definition,
  open: async (context) => definition.open({ ...context, config: configOf(definition, context) })
})

function configOf<Config>({ configSchema }: TargetDefinition<Config>, { name, config }: TargetContext): Config {
  const parsed = configSchema.safeParse(config)
  if (parsed.success) return parsed.data
  throw new ConfigError({
    what: `The configuration of ${name} in deploy.json is not valid`,
    why: parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'config'}: ${message}`).join('; '),
    next: `Correct targets.${name}.config in deploy.json.`,
    code: 'bad_config'
  })
}
