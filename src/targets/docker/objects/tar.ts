const block = 512

/** A tar archive (POSIX ustar) of one small text file. */
export function tarOf(name: string, text: string): Buffer {
  const content = Buffer.from(text)
  const header = Buffer.alloc(block)
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`
  header.write(name, 0, 100)
  header.write(octal(0o644, 7), 100)
  header.write(octal(0, 7), 108)
  header.write(octal(0, 7), 116)
  header.write(octal(content.length, 11), 124)
  header.write(octal(0, 11), 136)
  header[156] = '0'.charCodeAt(0)
  header.write('ustar\x0000', 257)
  sign(header)
  const padding = Buffer.alloc((block - (content.length % block)) % block)
  return Buffer.concat([header, content, padding, Buffer.alloc(2 * block)])
}

/** The text of the first file of an archive, as far as it is small. */
export function fileIn(archive: Buffer): string {
  const size = Number.parseInt(archive.toString('utf8', 124, 136).replace(/\0/g, ''), 8) || 0
  return archive.toString('utf8', block, block + Math.min(size, 4096))
}

/** An archive of one file with another name in it; null where its head is not a plain one. */
export function renamedIn(archive: Buffer, name: string): Buffer | null {
  if (Buffer.byteLength(name) > 99 || (archive[156] !== 0 && archive[156] !== '0'.charCodeAt(0))) return null
  const header = Buffer.from(archive.subarray(0, block))
  header.fill(0, 0, 100)
  header.write(name, 0)
  sign(header)
  return Buffer.concat([header, archive.subarray(block)])
}

function sign(header: Buffer): void {
  header.write('        ', 148)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
}
