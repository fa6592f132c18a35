/** A word of a command that a person's POSIX shell takes as it is, whatever a label or a file's name holds. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
