interface Signs {
  /** What a failed deploy command says; other programs, and the logs of an application, say some of it as well. */
  own: RegExp
  /** What only such a command says. */
  anywhere: RegExp
}

const signs: Record<string, Signs> = {
  docker: {
    own: /^\s*(Error response from daemon|Error:|ERROR:|failed to (solve|create|start))|dependency failed to start|is unhealthy\b|manifest unknown|pull access denied|port is already allocated/m,
    anywhere:
      /^\s*(target \S+: )?failed to solve: |dependency failed to start: |^\s*container \S+ is unhealthy$|pull access denied for |port is already allocated$/m
  },
  kubernetes: {
    own: /^(error:|Error from server|Error:)|(UPGRADE|INSTALLATION) FAILED|exceeded its progress deadline|timed out waiting|(ImagePull|CrashLoop)BackOff/m,
    anywhere:
      /^Error: (UPGRADE|INSTALLATION) FAILED|^error: (deployment|daemonset|statefulset)\b.* exceeded its progress deadline|^error: timed out waiting for the condition/m
  },
  npm: {
    own: /^\s*(npm (ERR!|error)\s|.*ERR_PNPM|error Couldn't publish)/m,
    anywhere:
      /^npm (ERR!|error) (code E(PUBLISHCONFLICT|PRIVATE|NEEDAUTH|OTP)\b|[45]\d\d .* - PUT )|error Couldn't publish|ERR_PNPM_(GIT|PUBLISH|REGISTRY)/m
  },
  vercel: {
    own: /^\s*(Error:|Error!|▲ ERROR)/m,
    anywhere: /^\s*▲ ERROR/m
  },
  netlify: { own: /^\s*(›\s+)?(Error:|✖)/m, anywhere: /^\s*›\s+Error: /m },
  github_releases: {
    own: /^HTTP [45]\d\d\b|^(failed to|error) |\brelease not found$/im,
    anywhere: /^HTTP [45]\d\d: .*\/releases\b|^release not found$/m
  },
  pypi: { own: /^(ERROR|error)\b|HTTPError: [45]\d\d/m, anywhere: /HTTPError: [45]\d\d .*(legacy|upload|pypi)/m }
}

/**
 * Whether the output of a line with a deploy command says that this failed, in the words of that kind of tool. Where other commands
 * wrote to it as well, only words that none but such a tool says count.
 */
export function showsFailure(types: readonly string[], output: string, ownOutput: boolean): boolean {
  const tail = output.slice(-20_000)
  const names = types.length > 0 ? types : Object.keys(signs)
  return names.some((name) => signs[name]?.[ownOutput ? 'own' : 'anywhere'].test(tail) ?? false)
}
