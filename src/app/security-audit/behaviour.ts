/** What the assistant may do, and what is left of it afterwards. */
import { loadAuditVerifier } from '../../secrets/audit-keys.ts'
import { factsOf } from '../../std/file-facts.ts'
import { verifyTrail } from '../../telemetry/audit/verify.ts'
import { setCommand, type Found, type SecurityCheck } from './check.ts'

export const execUnsandboxed: SecurityCheck = {
  id: 'exec-unsandboxed',
  about: 'commands run in a sandbox',
  run({ config: { exec, tools, approvals } }) {
    const isOffered = tools.policy === 'allow-all' || (tools.policy === 'allow-list') === tools.list.includes('exec')
    if (!exec.enabled || exec.sandbox !== 'unsandboxed' || !isOffered) return []
    const severity = tools.policy === 'allow-all' || approvals.mode === 'shadow' ? 'critical' : 'high'
    return [{ severity, detail: 'commands of the assistant run with all of your rights', fix: setCommand('exec.sandbox', 'required') }]
  },
}

export const approvalsMode: SecurityCheck = {
  id: 'approvals-mode',
  about: 'you are asked',
  run({ config: { approvals } }) {
    const fix = setCommand('approvals.mode', 'ask')
    if (approvals.mode === 'shadow') return [{ severity: 'high', detail: 'approvals.mode is shadow: what should be asked is only recorded', fix }]
    return approvals.mode === 'deny'
      ? [{ severity: 'low', detail: 'approvals.mode is deny: what should be asked is refused, and you do not hear of it', fix }]
      : []
  },
}

export const injectionUnseen: SecurityCheck = {
  id: 'injection-unseen',
  about: 'instructions in foreign text are marked',
  run: ({ config: { guard } }): readonly Found[] =>
    guard.injection === 'off'
      ? [{ severity: 'medium', detail: 'guard.injection is off: text of others is not looked through', fix: setCommand('guard.injection', 'mark') }]
      : [],
}

export const classifierOpen: SecurityCheck = {
  id: 'classifier-open',
  about: 'no text passes unread where the classifier blocks',
  run: ({ config: { guard } }): readonly Found[] =>
    guard.classifier.mode === 'block' && guard.classifier.onError === 'open'
      ? [
          {
            severity: 'medium',
            detail: 'guard.classifier.onError is open: what its model does not answer for passes, and who can make it fail is not blocked',
            fix: setCommand('guard.classifier.onError', 'closed'),
          },
        ]
      : [],
}

export const demoEnabled: SecurityCheck = {
  id: 'demo-enabled',
  about: 'answers come from a model that you chose',
  run({ config }): readonly Found[] {
    const demo = config.providers['demo']
    const isOn = typeof demo !== 'object' || demo === null || !('enabled' in demo) || demo.enabled === true
    return isOn ? [{ severity: 'low', detail: 'the built-in demo model answers where no other does', fix: setCommand('providers.demo.enabled', false) }] : []
  },
}

export const auditTrail: SecurityCheck = {
  id: 'audit-trail',
  about: 'every receipt is there',
  run({ paths }) {
    const verifier = loadAuditVerifier(paths.stateDir)
    const hasRun = factsOf(paths.database) !== null
    const fix = 'cara audit verify'
    if (verifier === null || factsOf(paths.audit) === null) {
      return hasRun ? [{ severity: 'high', detail: 'the gateway has run, and its audit trail is gone: restore it from a backup', fix }] : []
    }
    const { fault } = verifyTrail(paths.audit, verifier)
    if (fault === null) return []
    return [{ severity: 'critical', detail: `the audit trail is ${fault.kind} at ${fault.file}: compare with a backup`, fix }]
  },
}

/** Options of the runtime that show its memory, or run code of others in it. */
const OPENING_OPTION =
  /(?:^|[\s"])(--(?:inspect(?:-brk|-wait|-port)?|debug-port|heapsnapshot-signal|heapsnapshot-near-heap-limit|report-on-signal|report-signal|report-uncaught-exception|report-on-fatalerror|require|import|loader|experimental-loader)|-r)(?=[\s="]|$)/g

export const nodeOptions: SecurityCheck = {
  id: 'node-options',
  about: 'nothing opens the memory of the gateway',
  run({ env }) {
    // The runtime reads an underscore as a hyphen.
    const given = (env['NODE_OPTIONS'] ?? '').replaceAll('_', '-')
    const found = [...new Set(Array.from(given.matchAll(OPENING_OPTION), ([, option]) => option))]
    if (found.length === 0) return []
    const detail = `NODE_OPTIONS has ${found.join(', ')}: keys are read out of the memory of the gateway, or code of others runs in it`
    return [{ severity: 'critical', detail, fix: 'unset NODE_OPTIONS   # and take it out of the unit or profile that sets it' }]
  },
}

/** Fixes a remote code execution in the Brotli decoder and TLS hostname checks. */
const SAFE_NODE = [26, 12, 1]

export const nodeOld: SecurityCheck = {
  id: 'node-old',
  about: 'the runtime has its security fixes',
  run({ nodeVersion }): readonly Found[] {
    const own = nodeVersion.split('.').map(Number)
    const isSafe = SAFE_NODE.reduceRight((later, part, index) => (own[index] ?? 0) > part || ((own[index] ?? 0) === part && later), true)
    const fix = `cara version   # then run it with Node ${SAFE_NODE.join('.')} or later`
    return isSafe ? [] : [{ severity: 'medium', detail: `Node ${nodeVersion} lacks the security fixes of ${SAFE_NODE.join('.')}`, fix }]
  },
}
