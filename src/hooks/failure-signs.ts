import { deployTools } from './deploy-tools.ts'

/**
 * Whether the output of a line with a deploy command says that this failed, in the words of that kind of tool. Where other commands
 * wrote to it as well, only words that none but such a tool says count.
 */
export function showsFailure(types: readonly string[], output: string, ownOutput: boolean): boolean {
  const tail = output.slice(-20_000)
  const names = types.length > 0 ? types : Object.keys(deployTools)
  return names.some((name) => deployTools[name]?.failure[ownOutput ? 'own' : 'anywhere'].test(tail) ?? false)
}
