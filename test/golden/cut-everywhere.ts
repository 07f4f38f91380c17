/** However the network cuts an answer, it means the same. */
import assert from 'node:assert/strict'
import type { ModelEvent } from '../../src/contracts/provider.ts'
import type { Decoder, Framer } from '../../src/providers/wire/protocol.ts'

export interface Answer {
  readonly framer: () => Framer
  readonly decoder: () => Decoder
  readonly bytes: Uint8Array
}

/** The events of the bytes in one piece, after checking that two pieces cut at every byte, and single bytes, give the very same ones. */
export function cutEverywhere(answer: Answer): readonly ModelEvent[] {
  const { bytes } = answer
  const whole = decode(answer, [bytes])
  assertOneEnd(whole)
  const expected = JSON.stringify(whole)
  for (let cut = 0; cut <= bytes.length; cut++) {
    assertSame(decode(answer, [bytes.subarray(0, cut), bytes.subarray(cut)]), expected, `cut at byte ${cut}`)
  }
  assertSame(
    decode(
      answer,
      Array.from(bytes, (byte) => Uint8Array.of(byte)),
    ),
    expected,
    'byte by byte',
  )
  return whole
}

function decode(answer: Answer, pieces: readonly Uint8Array[]): readonly ModelEvent[] {
  const framer = answer.framer()
  const decoder = answer.decoder()
  const events = pieces.flatMap((piece) => framer.push(piece)).flatMap((frame) => decoder.push(frame))
  return [...events, ...decoder.end()]
}

function assertOneEnd(events: readonly ModelEvent[]): void {
  const ends = events.filter((event) => event.type === 'finish' || event.type === 'error')
  assert.equal(ends.length, 1, `one finish or error, not ${ends.length}`)
  assert.equal(events.at(-1), ends[0], 'nothing after the end')
}

/** Texts are compared before values, which is a hundred times cheaper; values only to show a difference. */
function assertSame(events: readonly ModelEvent[], expected: string, where: string): void {
  if (JSON.stringify(events) !== expected) assert.deepEqual(events, JSON.parse(expected), where)
}
