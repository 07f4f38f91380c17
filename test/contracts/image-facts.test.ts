import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { imageFacts } from '../../src/tools/image-facts.ts'
import { pictures, pngOf } from '../doubles/pictures.ts'

test('kind and size of real pictures are read from their first bytes', () => {
  const kinds: Readonly<Record<string, string>> = { progressiveJpeg: 'jpeg', losslessWebp: 'webp', extendedWebp: 'webp' }
  assert.equal(Object.keys(pictures).length, 7)
  for (const [name, bytes] of Object.entries(pictures)) {
    assert.deepEqual(imageFacts(bytes), { mediaType: `image/${kinds[name] ?? name}`, width: 300, height: 200 }, name)
  }
})

test('what is no picture of these kinds is none, whatever it is called', () => {
  const others = [
    '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    '<?xml version="1.0"?><svg/>',
    '<!doctype html><img src=x>',
    '%PDF-1.7',
    'BM\x36\x00\x0c\x00',
    'II*\x00',
    'GIF88a\x10\x00\x10\x00',
    'RIFF\x00\x00\x00\x00WAVEfmt                   ',
    '\x00\x00\x00\x1cftypavif',
    '{"a": "\x89PNG"}',
    '',
  ]
  for (const text of others) assert.equal(imageFacts(Buffer.from(text, 'latin1')), null, text)
  assert.equal(imageFacts(pngOf(0, 5)), null)
})

test('a segment without a length ends the search', () => {
  const jpeg = pictures['jpeg'] ?? Buffer.alloc(0)
  for (const length of [0, 1]) assert.equal(imageFacts(Buffer.concat([jpeg.subarray(0, 2), Buffer.from([0xff, 0xe1, 0x00, length]), jpeg.subarray(2)])), null)
})

test('a size inside of what a segment holds is not the size of the picture', () => {
  const jpeg = pictures['jpeg'] ?? Buffer.alloc(0)
  const thumbnail = Buffer.from([0xff, 0xe1, 0x00, 0x0d, 0xff, 0xc0, 0x00, 0x0b, 0x08, 0x00, 0x01, 0x00, 0x01, 0x01, 0x01])
  assert.deepEqual(imageFacts(Buffer.concat([jpeg.subarray(0, 2), thumbnail, jpeg.subarray(2)])), { mediaType: 'image/jpeg', width: 300, height: 200 })
})

test('cut and random bytes are refused or read, and never take long', () => {
  for (const bytes of Object.values(pictures)) {
    for (let length = 0; length < bytes.length; length++) {
      const facts = imageFacts(bytes.subarray(0, length))
      assert.ok(facts === null || (facts.width === 300 && facts.height === 200))
    }
  }
  const beginnings = Object.values(pictures).map((bytes) => bytes.subarray(0, 12))
  fc.assert(
    fc.property(fc.constantFrom(...beginnings), fc.uint8Array({ maxLength: 200 }), (head, rest) => {
      imageFacts(Buffer.concat([head, rest]))
    }),
  )
  // Four million markers of no length.
  const startedAt = performance.now()
  assert.equal(imageFacts(Buffer.concat([Buffer.from([0xff, 0xd8]), Buffer.alloc(20 * 1024 * 1024, 0xff)])), null)
  const endless = Buffer.alloc(20 * 1024 * 1024)
  endless.write('ffd8', 'hex')
  for (let at = 2; at + 4 < endless.length; at += 4) endless.writeUInt32BE(0xffe00002, at)
  assert.equal(imageFacts(endless), null)
  assert.ok(performance.now() - startedAt < 2000)
})
