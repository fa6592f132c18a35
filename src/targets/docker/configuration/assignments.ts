/** What an environment file sets, one line each, as Compose reads it (docs.docker.com, "Env file syntax"); values as they are written. */
export const assignments = (text: string): { name: string; value: string }[] =>
  text.split('\n').flatMap((line) => {
    const [, name] = /^\s{0,200}(?:export\s{1,200})?([A-Za-z_]\w{0,200})\s{0,200}[=:]/.exec(line) ?? []
    return name ? [{ name, value: line.slice(line.search(/[=:]/) + 1).trim() }] : []
  })
