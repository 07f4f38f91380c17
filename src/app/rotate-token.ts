/** `cara token --rotate`: by the gateway that runs, else on the disk, where the next one (or one that we cannot reach) finds it. */
import type { Paths } from '../config/paths.ts'
import { prepareStateDir } from '../config/paths.ts'
import { AppError } from '../contracts/errors.ts'
import { authRotateResult } from '../contracts/ws/auth.ts'
import type { GatewayClient } from '../net/gateway-client.ts'
import { noteChange } from '../secrets/credential-changes.ts'
import { replaceGatewayToken } from '../secrets/gateway-token.ts'
import { leaveReceipt } from '../telemetry/audit/inbox.ts'
import { fixedToken } from './credentials.ts'
import type { Environment } from './load-settings.ts'
import { gatewayToken, openVault, withKeys } from './secrets.ts'

export async function rotateToken(env: Environment, paths: Paths, connect: () => Promise<GatewayClient>): Promise<string> {
  if ((env['CARAPACE_GATEWAY_TOKEN'] ?? '') !== '') throw fixedToken()
  const client = await connect().catch((error: unknown) => {
    if (error instanceof AppError && /^(?:gateway|auth|request|net)\//.test(error.code)) return null
    throw error
  })
  if (client !== null) {
    try {
      return authRotateResult.parse(await client.call('auth.rotate')).token
    } finally {
      await client.close()
    }
  }
  prepareStateDir(paths.stateDir)
  // Where there was none yet, this makes the folder of the keys.
  gatewayToken(env, paths)
  const token = await withKeys(paths, () => replaceGatewayToken(openVault(env, paths), paths.stateDir))
  leaveReceipt(paths.audit, { kind: 'token-rotated', by: 'owner' }, Date.now())
  noteChange(paths.stateDir)
  return token
}
