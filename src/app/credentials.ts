/** How credentials of this gateway are made and taken away: what is on the disk, what the doors accept, and the receipts of it, in this order. */
import type { AuditTrail } from '../contracts/audit.ts'
import { AppError } from '../contracts/errors.ts'
import type { SecretRegistry } from '../contracts/log.ts'
import type { Principal } from '../contracts/principal.ts'
import { ownerOf, type Access } from '../guard/identity/access.ts'
import { loadGatewayToken, replaceGatewayToken } from '../secrets/gateway-token.ts'
import { noteChange } from '../secrets/credential-changes.ts'
import type { Vault } from '../secrets/vault.ts'
import type { Credentials } from '../server/credentials.ts'

export interface CredentialParts {
  readonly access: Access
  readonly vault: Vault
  readonly stateDir: string
  /** `CARAPACE_GATEWAY_TOKEN`. */
  readonly givenToken: string | undefined
  readonly token: string
  readonly secrets: SecretRegistry
  readonly audit: AuditTrail
}

export interface OwnCredentials extends Credentials {
  /** Another program may have changed what is on the disk. */
  reload(): void
}

export function createCredentials(parts: CredentialParts): OwnCredentials {
  const { access, vault, stateDir, givenToken, secrets, audit } = parts
  let token = parts.token

  const accept = (fresh: string, by: string) => {
    if (fresh === token) return
    token = fresh
    secrets.add(fresh)
    audit.note({ kind: 'token-rotated', by })
    access.replaceToken(fresh)
  }

  return {
    async rotateToken(by: Principal) {
      if (givenToken !== undefined && givenToken !== '') throw fixedToken()
      const fresh = await replaceGatewayToken(vault, stateDir)
      accept(fresh, by.id)
      noteChange(stateDir)
      return fresh
    },
    reload() {
      if (givenToken === undefined || givenToken === '') accept(loadGatewayToken(vault, stateDir).token, ownerOf(token).id)
    },
  }
}

export function fixedToken(): AppError {
  return new AppError('auth/fixed', undefined, { hint: 'Change CARAPACE_GATEWAY_TOKEN where it is set, and start the gateway again' })
}
