/** The names that an environment file sets, as Compose reads it (docs.docker.com, "Env file syntax"). */
export const assignedNames = (text: string): string[] =>
  text
    .split('\n')
    .flatMap((line) => /^\s{0,200}(?:export\s{1,200})?([A-Za-z_]\w{0,200})\s{0,200}[=:]/.exec(line)?.[1] ?? [])
