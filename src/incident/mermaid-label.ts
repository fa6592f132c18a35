import { plain } from '../support/text.ts'

/** Without Mermaid's special characters. Each label begins with a word of ours, so that none begins with a Mermaid keyword. */
export const mermaidLabel = (text: string): string =>
  plain(text)
    .replace(/[^\p{L}\p{N} .,_/+-]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/^(.{1,50})(?: .*)?$/u, '$1')
    .slice(0, 50) || 'unnamed'
