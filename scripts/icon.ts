import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { crc32, deflateSync } from 'node:zlib'

const size = 512
const samples = 4

type Colour = readonly [red: number, green: number, blue: number, alpha: number]
const nothing: Colour = [0, 0, 0, 0]
const ground: Colour = [22, 48, 74, 255]
const arrow: Colour = [255, 255, 255, 255]
const good: Colour = [74, 201, 126, 255]

/** A rounded square with an arrow that turns back to a green point. Coordinates from -1 to 1, y downwards. */
function colourAt(x: number, y: number): Colour {
  const corner = Math.hypot(Math.max(Math.abs(x) - 0.7, 0), Math.max(Math.abs(y) - 0.7, 0))
  if (corner > 0.3) return nothing
  if (Math.hypot(x, y) < 0.17) return good
  const radius = Math.hypot(x, y)
  const angle = Math.atan2(y, x)
  const inGap = angle < -Math.PI * 0.5 && angle > -Math.PI * 0.86
  if (Math.abs(radius - 0.52) < 0.085 && !inGap) return arrow
  return inHead(x, y) ? arrow : ground
}

/** The head stands at the upper end of the gap and points back, to the left. */
function inHead(x: number, y: number): boolean {
  const along = 0.06 - x
  return along >= 0 && along <= 0.36 && Math.abs(y + 0.52) <= 0.24 * (1 - along / 0.36)
}

/** Rows of RGBA. */
function pixels(): Buffer {
  const image = Buffer.alloc(size * size * 4)
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      image.set(pixel(column, row), (row * size + column) * 4)
    }
  }
  return image
}

function pixel(column: number, row: number): number[] {
  let [red, green, blue, weight] = [0, 0, 0, 0]
  for (let i = 0; i < samples * samples; i++) {
    const x = (column + ((i % samples) + 0.5) / samples) / (size / 2) - 1
    const y = (row + (Math.floor(i / samples) + 0.5) / samples) / (size / 2) - 1
    const colour = colourAt(x, y)
    const share = colour[3] / 255
    red += colour[0] * share
    green += colour[1] * share
    blue += colour[2] * share
    weight += share
  }
  const opaque = weight || 1
  return [red / opaque, green / opaque, blue / opaque, (255 * weight) / samples ** 2].map(Math.round)
}

/** The icon as a PNG file. */
export function png(): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(size, 0)
  header.writeUInt32BE(size, 4)
  header.set([8, 6, 0, 0, 0], 8)
  const image = pixels()
  const rows = Array.from({ length: size }, (_, row) => [
    Buffer.of(0),
    image.subarray(row * size * 4, (row + 1) * size * 4)
  ])
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows.flat()), { level: 9 })),
    chunk('IEND', Buffer.alloc(0))
  ])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(data.length, 0)
  frame.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  await writeFile(join(import.meta.dirname, '../.claude-plugin/icon.png'), png())
