/**
 * What a text says when its encoded words are read: percent, escapes of JSON, base64, hex, and what is packed inside of those, two layers deep. For finding a value that hides; never
 * for letting one pass.
 */
const MAX_WORDS = 1000
const MAX_CHARACTERS = 65_536

export function decodings(text: string, depth = 2): readonly string[] {
  if (depth === 0) return []
  const found = decodeOnce(text.slice(0, MAX_CHARACTERS))
  return [...found, ...found.flatMap((each) => decodings(each, depth - 1))].slice(0, MAX_WORDS)
}

function decodeOnce(text: string): readonly string[] {
  const found: string[] = []
  if (/%[0-9a-f]{2}/i.test(text)) found.push(text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8')))
  if (/\\[ux][0-9a-f]{2}/i.test(text))
    found.push(
      text.replaceAll(/\\u([0-9a-f]{4})|\\x([0-9a-f]{2})/gi, (_all, long?: string, short?: string) => String.fromCharCode(parseInt(long ?? short ?? '', 16))),
    )
  for (const [word] of text.matchAll(/[A-Za-z0-9+/_-]{8,}={0,2}/g)) {
    if (found.length >= MAX_WORDS) break
    if (word.length % 2 === 0 && /^[0-9a-f]+$/i.test(word)) take(found, Buffer.from(word, 'hex'))
    // A word of small letters is a word.
    if (!/^[A-Z]?[a-z]+$/.test(word)) take(found, Buffer.from(word, 'base64'))
  }
  return found
}

/** Only what reads as text: nearly every word is base64 of some bytes. */
function take(found: string[], packed: Buffer): void {
  const text = unpack(packed, found).toString('utf8')
  if (text.length >= 4 && /^[\x20-\x7E\n\r\t\u00A0-\u024F]+$/.test(text)) found.push(text)
}

/** By the first bytes of its format; what does not unpack stays as it is. All of it together no longer than a text. */
function unpack(bytes: Buffer, found: readonly string[]): Buffer {
  const head = bytes.readUInt16BE()
  const isGzip = head === 0x1f8b
  // RFC 1950: method 8 with any window, and both bytes together a multiple of 31.
  const isZlib = head % 31 === 0 && (head >> 8) % 16 === 8
  if (!isGzip && !isZlib) return bytes
  const { gunzipSync, inflateSync } = process.getBuiltinModule('node:zlib')
  const left = MAX_CHARACTERS - found.reduce((sum, { length }) => sum + length, 0)
  if (left <= 0) return bytes
  try {
    return (isGzip ? gunzipSync : inflateSync)(bytes, { maxOutputLength: left })
  } catch {
    return bytes
  }
}
