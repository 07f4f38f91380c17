/**
 * The process that talks to the credential store: one request on stdin, one answer on stdout. A store that hangs, or waits for somebody to unlock it, blocks the whole process that
 * asks, and only a process can be ended (docs/decisions/0016).
 */
import { readFileSync, writeSync } from 'node:fs'
import { Entry } from '@napi-rs/keyring'
import * as z from 'zod/mini'

const request = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('read'), account: z.string() }),
  z.strictObject({ action: z.literal('write'), account: z.string(), key: z.string() }),
  z.strictObject({ action: z.literal('delete'), account: z.string() }),
])

try {
  const wanted = request.parse(JSON.parse(readFileSync(0, 'utf8')))
  // Not the kernel's key ring: it is empty after the next start of the machine.
  const entry = new Entry('carapace', wanted.account, { linux: { store: 'secret-service' } })
  if (wanted.action === 'write') entry.setPassword(wanted.key)
  if (wanted.action === 'delete') entry.deleteCredential()
  answer({ key: wanted.action === 'read' ? entry.getPassword() : null })
} catch (error) {
  answer({ problem: error instanceof Error ? error.message : 'unknown' })
}

function answer(value: object): void {
  writeSync(1, JSON.stringify(value))
}
