/** Parameters that several methods take. */
import * as z from 'zod'
import { AppError } from '../../contracts/errors.ts'
import { OWNER } from '../../contracts/origin.ts'
import type { Principal } from '../../contracts/principal.ts'
import type { Session } from '../../contracts/store.ts'
import type { InboundMessage } from '../../contracts/turn.ts'
import type { Gateway } from '../../gateway/gateway.ts'

export const sessionKey = z.string().regex(/^[\x21-\x7e]{1,256}$/, 'must be 1 to 256 visible ASCII characters')
export const runId = z.string().min(1).max(128)
export const model = z.string().min(1).max(256)
export const idempotencyKey = z.string().min(1).max(256)
export const messageText = z
  .string()
  .min(1)
  .max(512 * 1024)

/** `key` is another name for `sessionKey`. */
export const sessionMember = { sessionKey: sessionKey.optional(), key: sessionKey.optional() }

export function chosenKey(params: { readonly sessionKey?: string | undefined; readonly key?: string | undefined }): string | null {
  return params.sessionKey ?? params.key ?? null
}

export function ownerMessage(
  params: { readonly message: string; readonly idempotencyKey: string; readonly sessionKey: string | null; readonly model?: string | undefined },
  { credential }: Principal,
): InboundMessage {
  return {
    door: 'ws',
    sender: OWNER.author,
    sessionKey: params.sessionKey,
    parts: [{ type: 'text', text: params.message, origin: OWNER }],
    idempotencyKey: params.idempotencyKey,
    credential,
    options: params.model === undefined ? {} : { model: params.model },
  }
}

export async function findSession({ store }: Gateway, key: string): Promise<Session> {
  const session = await store.sessions.find(key)
  if (session === null) throw new AppError('session/not-found', key)
  return session
}
