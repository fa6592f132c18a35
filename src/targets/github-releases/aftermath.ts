import { oneLine } from '../../support/text.ts'

/** What making another release the latest does not repair. */
export const notRepaired = (failed: string, good: string): string[] => [
  `Installed copies of ${oneLine(failed, 80)} stay, and programs that update themselves do not go back to a lower version; package managers and mirrors that copied it keep it until they refresh.`,
  `The next published release becomes the latest in place of ${oneLine(good, 80)}, and so does a release job that runs again.`
]
