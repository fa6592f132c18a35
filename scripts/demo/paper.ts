const bold = (text: string): string => (process.stdout.isTTY ? `\u001b[1m${text}\u001b[0m` : text)

/** What a demo prints. */
export const heading = (text: string): void =>
  console.log(`\n${bold(`── ${text} ${'─'.repeat(Math.max(0, 70 - text.length))}`)}\n`)

export const paragraph = (text: string): void => console.log(text)

export const indented = (lines: readonly string[]): void => {
  for (const line of lines) console.log(`    ${line}`)
}
