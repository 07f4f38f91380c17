/** What the first bytes of a file say about the picture in it: its kind and size. Nothing is decoded. Null for every other file, SVG included: that is a document with links and scripts. */

export interface ImageFacts {
  readonly mediaType: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp'
  readonly width: number
  readonly height: number
}

export function imageFacts(bytes: Buffer): ImageFacts | null {
  const found = png(bytes) ?? gif(bytes) ?? webp(bytes) ?? jpeg(bytes)
  return found !== null && found.width > 0 && found.height > 0 ? found : null
}

const starts = (bytes: Buffer, text: string, at = 0) => bytes.length >= at + text.length && bytes.toString('latin1', at, at + text.length) === text

function png(bytes: Buffer): ImageFacts | null {
  if (bytes.length < 24 || !starts(bytes, '\x89PNG\r\n\x1a\n') || !starts(bytes, 'IHDR', 12)) return null
  return { mediaType: 'image/png', width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }
}

function gif(bytes: Buffer): ImageFacts | null {
  if (bytes.length < 10 || !(starts(bytes, 'GIF87a') || starts(bytes, 'GIF89a'))) return null
  return { mediaType: 'image/gif', width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) }
}

/** https://www.rfc-editor.org/rfc/rfc9649#section-2.4 */
function webp(bytes: Buffer): ImageFacts | null {
  if (bytes.length < 30 || !starts(bytes, 'RIFF') || !starts(bytes, 'WEBP', 8)) return null
  const mediaType = 'image/webp'
  if (starts(bytes, 'VP8X', 12)) return { mediaType, width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 }
  if (starts(bytes, 'VP8L', 12) && bytes[20] === 0x2f) {
    const packed = bytes.readUInt32LE(21)
    return { mediaType, width: (packed & 0x3fff) + 1, height: ((packed >>> 14) & 0x3fff) + 1 }
  }
  if (starts(bytes, 'VP8 ', 12) && starts(bytes, '\x9d\x01\x2a', 23)) {
    return { mediaType, width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff }
  }
  return null
}

/** Walks the segments up to the frame header, which stands before the first byte of the picture itself. */
function jpeg(bytes: Buffer): ImageFacts | null {
  if (!starts(bytes, '\xff\xd8\xff')) return null
  for (let at = 2; at + 9 < bytes.length;) {
    if (bytes[at] !== 0xff) return null
    const marker = bytes[at + 1] ?? 0
    if (marker === 0xff) {
      at++
      continue
    }
    if (isFrame(marker)) return { mediaType: 'image/jpeg', width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) }
    const length = bytes.readUInt16BE(at + 2)
    // The picture begins, or nothing follows that has a length.
    if (marker < 0xc0 || marker === 0xda || marker === 0xd9) return null
    at += 2 + length
  }
  return null
}

const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
