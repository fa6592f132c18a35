/**
 * Whether the user's environment vouches for a host that otherwise only a project names, so that a login may go there:
 * POP_ROLLBACK_TRUSTED_HOSTS lists such hosts, separated by commas.
 * @param host as in `URL.host`: lower case, with the port unless it is the scheme's default.
 */
export const isTrustedHost = (env: NodeJS.ProcessEnv, host: string): boolean =>
  (env.POP_ROLLBACK_TRUSTED_HOSTS ?? '').split(',').some((entry) => entry.trim().toLowerCase() === host)
