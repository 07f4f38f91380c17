/** Whether commands run in a sandbox here, and what it keeps: tried out, not read from the configuration. */
import { homedir } from 'node:os'
import type { Finding } from '../cli/context.ts'
import type { Config } from '../config/schema.ts'
import type { Paths } from '../config/paths.ts'
import { exposed } from '../contracts/errors.ts'

const NAME = 'sandbox'
const EXAMINE_MS = 60_000

export async function examineSandbox(
  { exec }: { readonly exec: Pick<Config['exec'], 'enabled' | 'sandbox' | 'backend'> },
  { stateDir }: Pick<Paths, 'stateDir'>,
): Promise<Finding> {
  if (!exec.enabled) return { name: NAME, status: 'pass', detail: 'not needed: exec.enabled is false' }
  const [{ openSandbox }, { tryToBreakOut }, { openProbeListener }] = await Promise.all([
    import('../sandbox/open-sandbox.ts'),
    import('../sandbox/break-out.ts'),
    import('../net/probe-listener.ts'),
  ])
  const listener = await openProbeListener()
  try {
    const sandbox = await openSandbox(exec)
    if (sandbox.backend === 'none') {
      return { name: NAME, status: 'warn', detail: 'commands run WITHOUT a sandbox, with all of your rights', next: 'cara config set exec.sandbox required' }
    }
    const probe = { stateDir, home: homedir(), outside: process.pid, port: listener.port }
    const { open, closed } = await tryToBreakOut(sandbox, probe, AbortSignal.timeout(EXAMINE_MS))
    if (open.length > 0)
      return { name: NAME, status: 'fail', detail: `${sandbox.backend} leaves open: ${open.join(', ')}`, next: 'cara config set exec.enabled false' }
    const detail = `${sandbox.backend} keeps a program that tries from ${closed.join(', ')}`
    if (sandbox.hasNetwork) return { name: NAME, status: 'pass', detail }
    return { name: NAME, status: 'pass', detail: `${detail}; no host can be granted`, next: 'Install bubblewrap where commands should reach single hosts' }
  } catch (error) {
    const { message, hint } = exposed(error)
    return { name: NAME, status: 'warn', detail: `commands are refused: ${message}`, ...(hint === undefined ? {} : { next: hint }) }
  } finally {
    listener.close()
  }
}
