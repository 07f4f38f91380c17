/** Whether the audit trail of this state folder is what was written. Needs no gateway, and no secret where only the public key is at hand. */
import { AppError } from '../contracts/errors.ts'
import type { Paths } from '../config/paths.ts'
import { loadAuditVerifier } from '../secrets/audit-keys.ts'
import { verifyTrail, type AuditVerdict } from '../telemetry/audit/verify.ts'
import type { Environment } from './load-settings.ts'

const ANCHOR = /^(\d{1,15}):([\w-]{43})$/

export async function verifyAudit(env: Environment, paths: Paths, given: string | null): Promise<AuditVerdict> {
  const place = given === null ? null : ANCHOR.exec(given)
  if (given !== null && place === null) throw new AppError('cli/usage', '--anchor is no SEQ:HASH', { hint: '`cara audit verify` prints one' })
  const verifier = loadAuditVerifier(paths.stateDir)
  if (verifier === null) throw new AppError('audit/missing', undefined, { hint: 'It begins with the first start: cara start' })
  return verifyTrail(paths.audit, verifier, place === null ? {} : { anchor: { seq: Number(place[1]), hash: place[2] ?? '' } })
}
