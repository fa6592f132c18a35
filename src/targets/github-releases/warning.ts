const mark = '<!-- pop-deploy-rollback: rolled back -->'

/** The warning at the beginning of the notes of a release that failed. */
export const warningFor = (failed: string, good: string): string =>
  `${mark}\n> [!WARNING]\n> ${failed} was rolled back. Use ${good} instead.\n\n`

export const isWarned = (body: string | null | undefined): boolean => body?.startsWith(mark) ?? false

/** GitHub's web editor changes line ends to CRLF. */
export const withoutWarning = (body: string, warning: string): string => {
  const first = warning.replaceAll('\n', '\r\n')
  if (body.startsWith(first)) return body.slice(first.length)
  return body.startsWith(warning) ? body.slice(warning.length) : body
}
