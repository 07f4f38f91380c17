import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { slopeOf } from '../../bench/support/slope.ts'

/** Noise that is the same in every run. */
function* noise(seed: number): Generator<number> {
  for (let state = seed; ;) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    yield state / 2 ** 31 - 0.5
  }
}

function series(count: number, perUnit: number, seed: number): readonly (readonly [number, number])[] {
  const values = noise(seed)
  return Array.from({ length: count }, (_, x) => [x, 100 + perUnit * x + (values.next().value ?? 0)])
}

describe('the slope of a series', () => {
  it('is found, with less noise than itself', () => {
    const { perUnit, noise: error } = slopeOf(series(45, 0.1, 7))
    assert.ok(Math.abs(perUnit - 0.1) < 0.02)
    assert.ok(error < 0.05)
  })

  it('lies within its noise where there is none, nearly always', () => {
    const beyond = Array.from({ length: 100 }, (_, seed) => slopeOf(series(45, 0, seed + 1))).filter(({ perUnit, noise: error }) => perUnit > error)
    assert.ok(beyond.length <= 6, `${beyond.length} of 100`)
  })

  it('has more noise where neighbours resemble each other', () => {
    const waves = Array.from({ length: 45 }, (_, x) => [x, Math.sin(x / 4)] as const)
    const mixed = waves.map(([x], index) => [x, waves[(index * 7) % 45]?.[1] ?? 0] as const)
    assert.ok(slopeOf(waves).noise > 1.5 * slopeOf(mixed).noise)
  })
})
