import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { AppError } from '../../src/contracts/errors.ts'
import type { Frame } from '../../src/providers/wire/protocol.ts'
import { sseFramer } from '../../src/providers/wire/sse.ts'

/** One line of any text: what an event may hold. */
const line = fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replaceAll(/[\r\n]/g, ' '))
const event = fc.record({ event: line, data: fc.array(line, { minLength: 1, maxLength: 3 }), comment: line, space: fc.constantFrom('', ' ') })
const stream = fc.record({
  events: fc.array(event, { maxLength: 6 }),
  end: fc.constantFrom('\n', '\r\n', '\r'),
  bom: fc.boolean(),
  cuts: fc.array(fc.nat(), { maxLength: 8 }),
})

test('whatever is written as events is read as such, however it is cut', () => {
  fc.assert(
    fc.property(stream, ({ events, end, bom, cuts }) => {
      const lines = events.flatMap(({ event, data, comment, space }) => [`:${comment}`, `event: ${event}`, ...data.map((text) => `data:${space}${text}`), ''])
      const bytes = Buffer.from((bom ? '\uFEFF' : '') + lines.map((text) => text + end).join(''))
      const expected = events.map(({ event, data, space }) => ({ event, data: data.map((text) => (space === '' ? text.replace(/^ /, '') : text)).join('\n') }))
      assert.deepEqual(read(bytes, cuts), expected)
    }),
    { numRuns: 300 },
  )
})

test('any bytes at all are read or refused, never a defect', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(), { maxLength: 5 }), (bytes, cuts) => {
      assert.deepEqual(read(bytes, cuts), read(bytes, []))
    }),
    { numRuns: 300 },
  )
})

test('an event beyond 1 MiB is refused, in one line or in many, and the framer stays refused', () => {
  for (const piece of ['x'.repeat(64 * 1024), `${'x'.repeat(1000)}\ndata: `]) {
    const framer = sseFramer()
    framer.push(Buffer.from('data: '))
    const feed = () => {
      for (let bytes = 0; bytes < 2 * 1024 * 1024; bytes += piece.length) framer.push(Buffer.from(piece))
    }
    assert.throws(feed, (error) => error instanceof AppError && error.code === 'net/too-large')
    assert.throws(() => framer.push(Buffer.from('\n\ndata: y\n\n')), AppError)
  }
})

test('an event of 1 MiB passes', () => {
  const data = 'x'.repeat(1024 * 1024 - 16)
  assert.deepEqual(sseFramer().push(Buffer.from(`data: ${data}\n\n`)), [{ event: '', data }])
})

function read(bytes: Uint8Array, cuts: readonly number[]): readonly Frame[] {
  const framer = sseFramer()
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return places.slice(1).flatMap((place, index) => framer.push(bytes.subarray(places[index], place)))
}
