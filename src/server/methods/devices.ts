import * as z from 'zod'
import type { Device } from '../../contracts/device.ts'
import { grantableScopes } from '../../contracts/scope.ts'
import { deviceListResult, deviceResult, pairListResult, pairRejectResult, type deviceView } from '../../contracts/ws/devices.ts'
import { keyFingerprint } from '../../std/ed25519.ts'
import { defineMethod } from '../method.ts'

const requestId = z.string().min(1).max(128)
const deviceId = z.string().regex(/^[0-9a-f]{64}$/, 'must be the whole id')

function viewDevice(device: Device): z.input<typeof deviceView> {
  const { id, name, scopes, tokenExpiresAt, claimUntil, approvedBy, createdAt, lastUsedAt, revokedAt, tokenHash } = device
  const status = revokedAt !== null ? 'revoked' : tokenHash === null ? 'unclaimed' : 'paired'
  return { id, name, fingerprint: keyFingerprint(id), scopes: [...scopes], status, tokenExpiresAt, claimUntil, approvedBy, createdAt, lastUsedAt, revokedAt }
}

export const devicePairList = defineMethod({
  name: 'device.pair.list',
  scope: 'operator.pairing',
  params: z.strictObject({}),
  result: pairListResult,
  async handle(_, { deps }) {
    const requests = (await deps.credentials.devices()).pairing.list(deps.now())
    return {
      requests: requests.map(({ id, deviceId, name, wished, address, requestedAt, expiresAt }) => ({
        requestId: id,
        deviceId,
        fingerprint: keyFingerprint(deviceId),
        name,
        scopes: [...wished],
        address,
        requestedAt,
        expiresAt,
      })),
    }
  },
})

export const devicePairApprove = defineMethod({
  name: 'device.pair.approve',
  scope: 'operator.pairing',
  params: z.strictObject({ requestId, scopes: z.array(z.enum(grantableScopes)).max(8).optional() }),
  result: deviceResult,
  async handle(params, { deps, principal }) {
    return { device: viewDevice(await (await deps.credentials.devices()).approve(params.requestId, params.scopes, principal)) }
  },
})

export const devicePairReject = defineMethod({
  name: 'device.pair.reject',
  scope: 'operator.pairing',
  params: z.strictObject({ requestId }),
  result: pairRejectResult,
  async handle(params, { deps, principal }) {
    const { deviceId } = await (await deps.credentials.devices()).reject(params.requestId, principal)
    return { requestId: params.requestId, deviceId }
  },
})

export const deviceList = defineMethod({
  name: 'device.list',
  scope: 'operator.pairing',
  params: z.strictObject({}),
  result: deviceListResult,
  handle: async (_, { deps }) => ({ devices: (await deps.credentials.devices()).list().map(viewDevice) }),
})

export const deviceTokenRotate = defineMethod({
  name: 'device.token.rotate',
  scope: 'operator.pairing',
  params: z.strictObject({ deviceId }),
  result: deviceResult,
  handle: async (params, { deps, principal }) => ({ device: viewDevice(await (await deps.credentials.devices()).rotate(params.deviceId, principal)) }),
})

export const deviceTokenRevoke = defineMethod({
  name: 'device.token.revoke',
  scope: 'operator.pairing',
  params: z.strictObject({ deviceId }),
  result: deviceResult,
  handle: async (params, { deps, principal }) => ({ device: viewDevice(await (await deps.credentials.devices()).revoke(params.deviceId, principal)) }),
})
