const mark = '<!-- pop-deploy-rollback: rolled back -->'

/** What stands at the head of the notes of a release that was rolled back from. */
export const warningFor = (failed: string, good: string): string =>
  `${mark}\n> [!WARNING]\n> ${failed} was rolled back. Use ${good} instead.\n\n`

export const isWarned = (body: string | null | undefined): boolean => body?.startsWith(mark) ?? false

/** GitHub's web editor turns line ends to CRLF. */
export const withoutWarning = (body: string, warning: string): string => {
  const first = warning.replaceAll('\n', '\r\n')
  if (body.startsWith(first)) return body.slice(first.length)
  return body.startsWith(warning) ? body.slice(warning.length) : body
}
