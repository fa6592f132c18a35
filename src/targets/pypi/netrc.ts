export interface NetrcLogin {
  login: string
  password: string
}

/**
 * The login of a machine in a netrc file (Python's netrc module, GNU inetutils). The entry `default` is ignored: it would send a
 * password to any server that a deploy.json names.
 */
export function netrcLogin(text: string, machine: string): NetrcLogin | null {
  const words = [...withoutMacros(text).matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    ([, quoted, bare = '']) => quoted?.replace(/\\(.)/g, '$1') ?? bare
  )
  let found: Partial<NetrcLogin> | null = null
  for (let at = 0; at < words.length; at++) {
    const word = words[at]
    if (word === 'machine' || word === 'default') {
      if (found) break
      if (word === 'machine' && words[++at]?.toLowerCase() === machine) found = {}
    } else if (word === 'login' || word === 'user' || word === 'password' || word === 'account') {
      const value = words[++at] ?? ''
      if (found && word !== 'account') found[word === 'password' ? 'password' : 'login'] = value
    }
  }
  return found?.password ? { login: found.login ?? '', password: found.password } : null
}

/** Comments stand on lines of their own; a macro goes on to the next empty line. */
function withoutMacros(text: string): string {
  let macro = false
  return text
    .split(/\r?\n/)
    .filter((line) => {
      if (/^\s*macdef\b/.test(line)) macro = true
      else if (line.trim() === '') macro = false
      return !macro && !/^\s*#/.test(line)
    })
    .join('\n')
}
