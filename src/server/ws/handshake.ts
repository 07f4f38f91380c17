import type * as z from 'zod'
import { AppError } from '../../contracts/errors.ts'
import { grantScopes, type Principal } from '../../contracts/principal.ts'
import type { Scope } from '../../contracts/scope.ts'
import { closeCodes, connectParams, eventNames, PROTOCOL_VERSION, wsLimits, type RequestFrame } from '../../contracts/ws-protocol.ts'
import type { helloOk } from '../../contracts/ws/connection.ts'
import { readHealth } from '../health.ts'
import type { ConnectionHome } from './connection.ts'
import { missingProof } from './device-proof.ts'

export type Greeting =
  | { readonly scopes: readonly Scope[]; readonly wanted: ReadonlySet<string> | null; readonly hello: z.input<typeof helloOk> }
  | { readonly error: AppError; readonly code: number }

/** What `connect` leads to: scopes that the credential holds and the client asked for, or the reason to close. */
export function readConnect(
  frame: RequestFrame,
  held: Principal,
  { connId, nonce }: { readonly connId: string; readonly nonce: string },
  { deps, methods }: ConnectionHome,
): Greeting {
  if (frame.method !== 'connect') return { error: new AppError('request/invalid', 'the first request must be connect'), code: closeCodes.policy }
  const params = connectParams.safeParse(frame.params)
  if (!params.success) {
    const issue = params.error.issues[0]
    return { error: new AppError('request/invalid', `${issue?.path.join('.') ?? 'params'}: ${issue?.message ?? 'not valid'}`), code: closeCodes.policy }
  }
  const { minProtocol, maxProtocol, scopes: wished, events } = params.data
  if (minProtocol > PROTOCOL_VERSION || maxProtocol < PROTOCOL_VERSION) {
    return { error: new AppError('request/invalid', `protocol ${PROTOCOL_VERSION} is spoken here`), code: closeCodes.protocol }
  }
  const { device, auth, client, role } = params.data
  if (held.needsProof === true) {
    const proof = { device, token: auth?.token, clientId: client.id, mode: client.mode, role, scopes: wished }
    const isToken = (token: string) => deps.access.authenticate(token) === held
    const error = missingProof(deps.access.devices?.find(held) ?? null, proof, isToken, nonce, deps.now())
    if (error !== null) return { error, code: closeCodes.policy }
    deps.access.devices?.touch(held)
  } else if (device !== undefined) {
    return { error: new AppError('auth/device-proof', 'a device comes by its own token'), code: closeCodes.policy }
  }
  const scopes = grantScopes(held.scopes, wished)
  return {
    scopes,
    wanted: events === undefined ? null : new Set(events),
    hello: {
      type: 'hello-ok',
      protocol: PROTOCOL_VERSION,
      server: { version: deps.version, connId },
      features: { methods: [...methods.keys()], events: [...eventNames] },
      snapshot: { health: readHealth(deps), uptimeMs: deps.now() - deps.gateway.status().startedAt },
      auth: { role: 'operator', scopes: [...scopes] },
      policy: {
        maxPayload: wsLimits.policyPayload,
        maxBroadcastPayload: wsLimits.maxBroadcastPayload,
        maxBufferedBytes: wsLimits.maxBufferedBytes,
        tickIntervalMs: wsLimits.tickIntervalMs,
      },
    },
  }
}
