/** Paired devices. */
import * as z from 'zod'

/** `device.pair.list {}`: who asks to be admitted. `scopes` are what it wishes. Event `device.pair.requested` when one asks. */
export const pairListResult = z.object({
  requests: z.array(
    z.object({
      requestId: z.string(),
      deviceId: z.string(),
      fingerprint: z.string(),
      name: z.string(),
      scopes: z.array(z.string()),
      address: z.string(),
      requestedAt: z.number(),
      expiresAt: z.number(),
    }),
  ),
})

export const deviceView = z.object({
  id: z.string(),
  name: z.string(),
  fingerprint: z.string(),
  scopes: z.array(z.string()),
  status: z.enum(['paired', 'unclaimed', 'revoked']),
  tokenExpiresAt: z.number().nullable(),
  claimUntil: z.number().nullable(),
  approvedBy: z.string(),
  createdAt: z.number(),
  lastUsedAt: z.number().nullable(),
  revokedAt: z.number().nullable(),
})

/**
 * `device.pair.approve {requestId, scopes?}` (without `scopes`: reading and writing, as far as it wishes them; `[]` is none), `device.token.rotate {deviceId}` (its token ends, and it
 * may fetch another with its signature) and `device.token.revoke {deviceId}` (it is a stranger again). Nobody grants or takes away a scope that he lacks.
 */
export const deviceResult = z.object({ device: deviceView })

/** `device.pair.reject {requestId}`. Event `device.pair.resolved {requestId, deviceId, decision, ts}` after either. */
export const pairRejectResult = z.object({ requestId: z.string(), deviceId: z.string() })

/** `device.list {}` */
export const deviceListResult = z.object({ devices: z.array(deviceView) })
