/** Makes the grants that shadow mode proposed, after the owner has seen them: on a terminal he is asked, a script says `--yes`. */
import { createInterface } from 'node:readline'
import { AppError } from '../../contracts/errors.ts'
import { proposalApplyResult } from '../../contracts/ws/approvals.ts'
import type { GatewayClient } from '../../net/gateway-client.ts'
import type { Terminal } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { clean, printJson } from '../output.ts'
import { understood } from '../understood.ts'

/** `hash`: of what was shown. */
export async function applyProposal(
  io: Terminal,
  client: GatewayClient,
  hash: string,
  { isSure, isJson }: { readonly isSure: boolean; readonly isJson: boolean },
): Promise<number> {
  const canAsk = io.isInputTerminal && io.isTerminal && !isJson
  if (!isSure && !canAsk) throw new AppError('cli/usage', 'nobody can be asked here', { hint: 'look at `cara approvals proposal`, then add --yes' })
  if (!isSure && !(await isConfirmed(io))) {
    io.write('nothing was allowed\n')
    return exitCodes.failed
  }
  const made = understood(proposalApplyResult, await client.call('approvals.apply', { hash }))
  if (isJson) printJson(io, made)
  else for (const { id, unlock, tool } of made.grants) io.write(`allowed ${clean(unlock)} for ${clean(tool)}: ${clean(id)}\n`)
  return exitCodes.ok
}

function isConfirmed(io: Terminal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const editor = createInterface({ input: io.input, output: io.output, terminal: true, prompt: 'Allow this from now on? [y/N] ' })
  const end = (isYes: boolean) => {
    resolve(isYes)
    editor.close()
  }
  editor.once('line', (line) => end(/^y(?:es)?$/i.test(line.trim())))
  editor.once('SIGINT', () => end(false))
  editor.once('close', () => resolve(false))
  editor.prompt()
  return promise
}
