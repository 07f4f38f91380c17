import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, Socket } from 'node:net'
import { test } from 'node:test'
import { openProbeListener } from '../../src/net/probe-listener.ts'

test('whoever comes is let in and sent away, until the listener is closed', { timeout: 5000 }, async (t) => {
  const { port, close } = await openProbeListener()
  const [visitor, late] = [connect(port, '127.0.0.1').resume(), new Socket()]
  t.after(() => {
    visitor.destroy()
    late.destroy()
    close()
  })
  await once(visitor, 'close')
  assert.ok(visitor.bytesRead === 0 && !visitor.errored)
  close()
  await assert.rejects(once(late.connect(port, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' })
})
