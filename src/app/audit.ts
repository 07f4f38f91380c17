/** Whether the audit trail of this state folder is what was written. Needs no gateway, and no secret where only the public key is at hand. */
import { AppError } from '../contracts/errors.ts'
import type { Finding } from '../cli/context.ts'
import type { Paths } from '../config/paths.ts'
import { loadAuditVerifier } from '../secrets/audit-keys.ts'
import { openToOthers } from '../telemetry/audit/files.ts'
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

export async function examineTrail(env: Environment, paths: Paths): Promise<string | Finding> {
  const name = 'audit trail'
  if (loadAuditVerifier(paths.stateDir) === null) return 'there is none yet: it begins with the first start'
  const { fault, warnings, waiting, lines, files, key, anchor } = await verifyAudit(env, paths, null)
  if (fault !== null) {
    const place = fault.line === null ? fault.file : `${fault.file}:${fault.line}`
    return { name, status: 'fail', detail: `${fault.kind} at ${place}: ${fault.detail}`, next: 'Compare with a backup; `cara audit verify` tells more' }
  }
  const detail = `${lines} receipts in ${files} ${files === 1 ? 'file' : 'files'}, key ${key}, anchor ${anchor ?? 'none'}`
  const [open] = openToOthers(paths.audit)
  if (open !== undefined) return { name, status: 'warn', detail: `others may read ${open}; ${detail}`, next: `chmod -R go= '${paths.audit}'` }
  const [warning] = warnings
  // Which is as it should be where no gateway runs.
  const isUsual = warnings.length === (waiting === 0 ? 0 : 1)
  return warning === undefined || isUsual ? detail : { name, status: 'warn', detail: `${warning}; ${detail}`, next: 'cara audit verify' }
}
