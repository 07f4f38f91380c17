/** The checks of `cara verify`, in order; one that cannot be tried because an earlier one failed is skipped. */
import { exposed } from '../contracts/errors.ts'
import { modelsListResult } from '../contracts/ws/models.ts'
import { statusResult } from '../contracts/ws/health.ts'
import type { GatewayClient } from '../net/gateway-client.ts'
import type { CliContext, GatewayTarget } from './context.ts'
import { oneLine, seconds } from './output.ts'
import { isWaiting, runTurn } from './run-turn.ts'
import { understood } from './understood.ts'
import { usageLine } from './turn-view.ts'
import { withGateway } from './with-gateway.ts'

export interface Check {
  readonly name: string
  readonly status: 'pass' | 'fail' | 'skip'
  readonly detail: string
  readonly next?: string
}

const CHAT_MS = 45_000
const EXPECTED = 'verification-ok'

type Step = (client: GatewayClient) => Promise<Omit<Check, 'name'>>

const steps: readonly { readonly name: string; readonly run: Step }[] = [
  { name: 'gateway', run: checkGateway },
  { name: 'model', run: checkModel },
  { name: 'local-chat', run: checkChat },
]

export async function runChecks(context: CliContext, target: GatewayTarget, onCheck: (check: Check) => void): Promise<readonly Check[]> {
  const checks: Check[] = []
  const add = (check: Check) => {
    checks.push(check)
    onCheck(check)
  }
  add({ name: 'configuration', ...(await attempt(async () => ({ status: 'pass', detail: await configurationOf(context) }))) })
  if (checks.some((check) => check.status === 'fail')) {
    for (const step of steps) add({ name: step.name, status: 'skip', detail: 'not tried' })
    return checks
  }
  try {
    await withGateway(context, { ...target, orEmbed: true }, async (client) => {
      for (const step of steps) {
        const isBlocked = checks.some((check) => check.status === 'fail')
        add({ name: step.name, ...(isBlocked ? { status: 'skip', detail: 'not tried' } : await attempt(() => step.run(client))) })
      }
    })
  } catch (error) {
    const missing = steps.filter((step) => !checks.some((check) => check.name === step.name))
    for (const [index, step] of missing.entries()) add({ name: step.name, ...(index === 0 ? failure(error) : { status: 'skip', detail: 'not tried' }) })
  }
  return checks
}

async function configurationOf(context: CliContext): Promise<string> {
  const settings = await context.services.settings()
  return settings.hash === null ? 'valid; there is no file, defaults and environment are used' : `${settings.file} is valid`
}

async function attempt(work: () => Promise<Omit<Check, 'name'>>): Promise<Omit<Check, 'name'>> {
  try {
    return await work()
  } catch (error) {
    return failure(error)
  }
}

function failure(error: unknown): Omit<Check, 'name'> {
  const { message, hint } = exposed(error)
  return { status: 'fail', detail: message, ...(hint === undefined ? {} : { next: hint }) }
}

async function checkGateway(client: GatewayClient): Promise<Omit<Check, 'name'>> {
  const status = understood(statusResult, await client.call('status'))
  if (status.notReady.length > 0) return { status: 'fail', detail: `not ready: ${status.notReady.join('; ')}`, next: 'cara doctor' }
  return { status: 'pass', detail: `${new URL(client.url).host}, version ${status.version}` }
}

async function checkModel(client: GatewayClient): Promise<Omit<Check, 'name'>> {
  const { default: model } = understood(modelsListResult, await client.call('models.list'))
  if (model.name === null) return { status: 'fail', detail: 'there is none', next: 'cara setup' }
  const found = `${model.name} (${model.source})`
  return model.demo
    ? { status: 'pass', detail: `${found}, a demo that knows little`, next: 'cara setup connects a real one' }
    : { status: 'pass', detail: found }
}

async function checkChat(client: GatewayClient): Promise<Omit<Check, 'name'>> {
  const signal = AbortSignal.timeout(CHAT_MS)
  const result = await runTurn(
    client,
    { message: `Reply with exactly: ${EXPECTED}` },
    { onEvent: () => undefined, onWaiting: () => Promise.resolve(false) },
    signal,
  )
  if (isWaiting(result)) return { status: 'fail', detail: 'the model wanted a call that waits for your word', next: 'cara approvals' }
  if (signal.aborted && result.status === 'cancelled') return { status: 'fail', detail: `no answer within ${seconds(CHAT_MS)}`, next: 'look at `cara logs`' }
  if (result.error !== undefined) return { status: 'fail', detail: result.error.message, next: result.error.hint ?? 'look at `cara logs`' }
  if (result.status !== 'completed' || result.text.trim() === '')
    return { status: 'fail', detail: 'the model gave no text', next: 'try another model: `cara models`' }
  const said = result.text.includes(EXPECTED) ? 'answered word for word' : `answered “${oneLine(result.text, 60)}”`
  return { status: 'pass', detail: `${said} (${usageLine(result)})` }
}
