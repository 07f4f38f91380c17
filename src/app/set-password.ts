import { prepareStateDir, type Paths } from '../config/paths.ts'
import { noteChange } from '../secrets/credential-changes.ts'
import { removePassword, writePassword } from '../secrets/gateway-password.ts'
import { leaveReceipt } from '../telemetry/audit/inbox.ts'

/** A gateway that runs hears of it by itself. */
export async function setPassword(paths: Paths, password: string | null): Promise<void> {
  prepareStateDir(paths.stateDir)
  if (password === null) await removePassword(paths.stateDir)
  else await writePassword(paths.stateDir, password)
  leaveReceipt(paths.audit, { kind: 'password-changed', action: password === null ? 'removed' : 'set' }, Date.now())
  noteChange(paths.stateDir)
}
