import type { RawData } from 'ws'
import { requestFrame, wsLimits, type RequestFrame } from '../../contracts/ws-protocol.ts'
import { nestsDeeperThan } from '../../std/json-depth.ts'

/** Null for what is not a request frame. */
export function readFrame(data: RawData): RequestFrame | null {
  // With the default binary type a message is one buffer.
  if (!Buffer.isBuffer(data)) return null
  const text = data.toString('utf8')
  if (nestsDeeperThan(text, wsLimits.jsonDepth)) return null
  try {
    return requestFrame.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}
