import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../contracts/errors.ts'
import { FailedAttempts } from '../stages/request/rate-limits.ts'
import { PasswordGate } from './password-gate.ts'

const refused = (code: string, retryAfterMs: number) => (error: unknown) =>
  error instanceof AppError && error.code === code && error.retryAfterMs === retryAfterMs

test('A3 two passwords are checked at once, and further ones are refused before anything waits', async () => {
  const answers: ((isRight: boolean) => void)[] = []
  const gate = new PasswordGate(
    () => new Promise((resolve) => answers.push(resolve)),
    new FailedAttempts(100),
    () => 0,
  )
  const trials = [gate.try('a'), gate.try('b')]
  await assert.rejects(gate.try('c'), refused('request/rate-limited', 1000))
  assert.equal(answers.length, 2)
  for (const answer of answers.splice(0)) answer(false)
  assert.deepEqual(await Promise.all(trials), [false, false])
  const next = gate.try('d')
  answers[0]?.(true)
  assert.equal(await next, true)
})

test('A3 a hundred wrong passwords a minute from everywhere, and a right one is not counted', async () => {
  let now = 0
  let checked = 0
  const gate = new PasswordGate(
    async (given) => (checked++, given === 'right'),
    new FailedAttempts(100),
    () => now,
  )
  for (let index = 0; index < 50; index++) assert.equal(await gate.try('right'), true)
  for (let index = 0; index < 100; index++) assert.equal(await gate.try('wrong'), false)
  await assert.rejects(gate.try('right'), refused('auth/locked-out', 60_000))
  assert.equal(checked, 150)
  now += 60_000
  assert.equal(await gate.try('right'), true)
})
