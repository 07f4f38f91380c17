import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { AppError } from '../contracts/errors.ts'
import { WalFlush } from './wal-flush.ts'

async function withFlush(flush: () => Promise<void>, use: (wal: WalFlush) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'cara-wal-'))
  writeFileSync(join(folder, 'wal'), '')
  const wal = new WalFlush(join(folder, 'wal'), flush)
  try {
    await use(wal)
  } finally {
    await wal.close()
    rmSync(folder, { recursive: true })
  }
}

it('what waits together shares a flush, and what comes during one gets the next', async () => {
  const gates: PromiseWithResolvers<void>[] = []
  const started = () => {
    const gate = Promise.withResolvers<void>()
    gates.push(gate)
    return gate.promise
  }
  await withFlush(started, async (wal) => {
    const order: string[] = []
    const first = wal.flushed().then(() => order.push('first'))
    while (gates.length === 0) await new Promise((resolve) => setImmediate(resolve))
    const second = wal.flushed().then(() => order.push('second'))
    const third = wal.flushed().then(() => order.push('third'))
    assert.equal(gates.length, 1)
    gates[0]?.resolve()
    await first
    assert.deepEqual(order, ['first'])
    while (gates.length === 1) await new Promise((resolve) => setImmediate(resolve))
    gates[1]?.resolve()
    await Promise.all([second, third])
    assert.deepEqual([order, gates.length], [['first', 'second', 'third'], 2])
  })
})

it('a failed flush is final: a later one cannot bring back what was lost', async () => {
  let calls = 0
  const breaks = async () => {
    if (calls++ === 0) throw new Error('EIO')
  }
  await withFlush(breaks, async (wal) => {
    const isUnavailable = (error: unknown) => error instanceof AppError && error.code === 'store/unavailable'
    await assert.rejects(wal.flushed(), isUnavailable)
    await assert.rejects(wal.flushed(), isUnavailable)
    assert.equal(calls, 1)
    assert.ok(isUnavailable(wal.failure))
  })
})
