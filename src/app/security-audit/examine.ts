/** `cara security audit`: every check over this state folder. A check that cannot be made is a finding: what was not seen is not sound. */
import { readScene, type AuditInput } from './scene.ts'
import * as behaviour from './behaviour.ts'
import type { SecurityFinding } from '../../cli/context.ts'
import type { SecurityCheck } from './check.ts'
import * as credentials from './credentials.ts'
import * as files from './files.ts'
import * as network from './network.ts'
import { exposed } from '../../contracts/errors.ts'

export const securityChecks: readonly SecurityCheck[] = [
  ...Object.values(files),
  ...Object.values(network),
  ...Object.values(credentials),
  ...Object.values(behaviour),
]

const ORDER: readonly SecurityFinding['severity'][] = ['critical', 'high', 'medium', 'low']

export async function examineSecurity(input: AuditInput): Promise<readonly SecurityFinding[]> {
  const scene = await readScene(input)
  if ('finding' in scene) return [scene.finding]
  const found = await Promise.all(
    securityChecks.map(async (check): Promise<readonly SecurityFinding[]> => {
      try {
        return (await check.run(scene)).map(({ severity, detail, fix }) => ({ check: check.id, severity, detail, fix }))
      } catch (error) {
        const { message, hint } = exposed(error)
        return [{ check: check.id, severity: 'high', detail: `this could not be looked at: ${message}`, fix: hint ?? 'cara doctor' }]
      }
    }),
  )
  return found.flat().sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity))
}
