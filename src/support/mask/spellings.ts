import { joinedLines, withoutEscapes } from './readings.ts'

/** Of a longer value each piece of this length is looked for, so that a part of it is found, too. */
const pieceLength = 400
const mostEncoded = 8_192

/** What to look for in a text so that a value is found in it, whatever its spelling and whatever it is embedded in. */
export function spellingsOf(value: string): string[] {
  const plain = new Set([value, withoutEscapes(value), joinedLines(value)])
  const encoded = value.length > mostEncoded ? [] : [Buffer.from(value).toString('hex'), ...base64Of(value)]
  return [...plain, ...encoded.filter(({ length }) => length >= 6)].flatMap(pieces)
}

function pieces(text: string): string[] {
  if (text.length <= pieceLength) return [text]
  const found: string[] = []
  for (let at = 0; at < text.length; at += pieceLength)
    found.push(text.slice(Math.min(at, text.length - pieceLength), at + pieceLength))
  return found
}

/**
 * Base64 of a value alone, and the letters that it leaves in the base64 of a text around it: of three bytes become four letters, so
 * these depend on where it begins, and the first and last ones on its neighbours (RFC 4648, also with the alphabet for addresses).
 */
function base64Of(value: string): string[] {
  const bytes = Buffer.from(value)
  const within = [0, 1, 2].map((before) => {
    const letters = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    return letters.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
  })
  const all = [bytes.toString('base64').replace(/={1,2}$/, ''), ...within.filter(({ length }) => length >= 8)]
  return [...new Set([...all, ...all.map((letters) => letters.replaceAll('+', '-').replaceAll('/', '_'))])]
}
