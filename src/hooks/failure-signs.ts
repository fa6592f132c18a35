const signs: Record<string, RegExp> = {
  docker:
    /^(Error response from daemon|Error:|ERROR:|failed to (solve|create|start))|dependency failed to start|is unhealthy\b|manifest unknown|pull access denied|port is already allocated/im,
  kubernetes:
    /^(error:|Error from server|Error:)|(UPGRADE|INSTALLATION) FAILED|exceeded its progress deadline|timed out waiting|(ImagePull|CrashLoop)BackOff/m,
  npm: /^\s*(npm (ERR!|error)\s|.*ERR_PNPM|error Couldn't publish)/m,
  vercel: /^\s*(Error:|Error!|▲ ERROR)/m,
  netlify: /^\s*(›\s+)?(Error:|✖)/m,
  github_releases: /^HTTP [45]\d\d\b|^(failed to|error) |\brelease not found$/im,
  pypi: /^(ERROR|error)\b|HTTPError: [45]\d\d/m
}

/** Whether the output of a deploy command says that it failed, in the words of that kind of tool. */
export function showsFailure(types: readonly string[], output: string): boolean {
  const tail = output.slice(-20_000)
  const names = types.length > 0 ? types : Object.keys(signs)
  return names.some((name) => signs[name]?.test(tail) ?? false)
}
