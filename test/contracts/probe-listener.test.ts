import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, Socket } from 'node:net'
import { test } from 'node:test'
import { openProbeListener } from '../../src/net/probe-listener.ts'

test('whoever comes is let in and sent away, until the listener is closed', { timeout: 5000 }, async (t) => {
  const listener = await openProbeListener()
  const [visitor, late] = [connect(listener.port, '127.0.0.1').resume(), new Socket()]
  t.after(() => {
    visitor.destroy()
    late.destroy()
    listener.close()
  })
  await once(visitor, 'close')
  assert.ok(visitor.bytesRead === 0 && !visitor.errored)
  listener.close()
  await assert.rejects(once(late.connect(listener.port, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' })
})
