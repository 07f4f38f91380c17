/** This machine as a device of a gateway elsewhere. */
import type { PairStep } from '../cli/context.ts'
import { prepareStateDir, type Paths } from '../config/paths.ts'
import { AppError } from '../contracts/errors.ts'
import { Secret } from '../contracts/secret.ts'
import { connectGateway, type GatewayClient } from '../net/gateway-client.ts'
import { claimToken, requestPairing } from '../net/pair-device.ts'
import { ensureIdentity, keepGateway, readIdentity, type Identity, type PairedGateway } from '../secrets/paired-gateways.ts'
import { systemClock } from '../std/clock.ts'
import type { Environment } from './load-settings.ts'
import { openVault } from './secrets.ts'
import { version } from './version.ts'

const POLL_MS = 2000

/** Resolves when the owner has said yes. Throws `pair/not-found` when he said no, or nothing in time. */
export async function pair(
  env: Environment,
  paths: Paths,
  request: { readonly url: string; readonly name: string; readonly scopes: readonly string[] },
  onStep: (step: PairStep) => void,
  signal: AbortSignal,
): Promise<void> {
  prepareStateDir(paths.stateDir)
  const vault = openVault(env, paths)
  const origin = originOf(request.url)
  const key = await ensureIdentity(vault, paths.stateDir)
  const { requestId, fingerprint } = await requestPairing(origin, key, { name: request.name, scopes: request.scopes }, signal)
  onStep({ requestId, fingerprint })
  for (;;) {
    const claimed = await claimToken(origin, key, signal)
    if (claimed !== null) {
      const { deviceToken: token, scopes, expiresAt } = claimed
      return await keepGateway(vault, paths.stateDir, { origin, token, scopes, expiresAt })
    }
    await systemClock.sleep(POLL_MS, signal)
  }
}

/** By the token of this machine there; one that was rotated is fetched anew. */
export async function connectPaired(env: Environment, paths: Paths, url: string, signal: AbortSignal): Promise<GatewayClient> {
  const vault = openVault(env, paths)
  const origin = originOf(url)
  const given = env['CARAPACE_GATEWAY_TOKEN'] ?? ''
  if (given !== '') return connectGateway({ url: origin, token: new Secret(given), version, signal })
  const identity = readIdentity(vault, paths.stateDir)
  const paired = identity?.gateways.find((gateway) => gateway.origin === origin)
  if (identity === null || paired === undefined)
    throw new AppError('auth/unauthorized', `this machine is no device of ${origin}`, { hint: `Pair it: cara pair ${origin}` })
  try {
    return await connectAs(identity, paired, signal)
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'auth/unauthorized') throw error
    const claimed = await claimToken(origin, identity, signal).catch(() => null)
    if (claimed === null) throw new AppError('auth/unauthorized', 'this device is not admitted any more', { hint: `Pair it again: cara pair ${origin}` })
    const fresh = { origin, token: claimed.deviceToken, scopes: claimed.scopes, expiresAt: claimed.expiresAt }
    await keepGateway(vault, paths.stateDir, fresh)
    return connectAs(identity, fresh, signal)
  }
}

function connectAs({ publicKey, privateKey }: Identity, { origin, token, scopes }: PairedGateway, signal: AbortSignal): Promise<GatewayClient> {
  return connectGateway({ url: origin, token: new Secret(token), device: { publicKey, privateKey, scopes }, version, signal })
}

function originOf(url: string): string {
  if (!URL.canParse(url)) throw new AppError('cli/usage', 'this is no address of a gateway', { hint: 'for example https://gateway.example' })
  return new URL(url).origin
}
