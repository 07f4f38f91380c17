import { hostname } from 'node:os'
import { AppError } from '../../contracts/errors.ts'
import { grantableScopes } from '../../contracts/scope.ts'
import { defineCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { oneLine } from '../output.ts'

export const command = defineCommand({
  name: 'pair',
  summary: 'Make this machine a device of a gateway elsewhere',
  details:
    'Makes a key that stays on this machine, asks the gateway, and waits until its owner answers there with `cara devices approve`. Afterwards every command that takes --host\ntakes the URL. Compare the fingerprint on both sides.',
  options: {
    name: { type: 'string', value: 'NAME', description: 'How the owner will see this machine; by default its host name' },
    scopes: { type: 'list', value: 'SCOPE', description: `What to ask for, once each: ${grantableScopes.join(', ')}` },
  },
  positionals: [{ name: 'url', description: 'Where the gateway is: https, or http on this machine', required: true }],
  examples: [
    { command: 'cara pair https://gateway.example --name laptop', does: 'Asks, and waits for the owner' },
    { command: 'cara pair http://127.0.0.1:18789 --scopes operator.read', does: 'Asks to read alone, through a tunnel' },
  ],
  exitCodes: [exitCodes.unreachable],
  async run(context, parsed) {
    const url = parsed.argument(0)
    const asked = parsed.list('scopes').flatMap((scope) => scope.split(','))
    const unknown = asked.find((scope) => !grantableScopes.some((known) => known === scope))
    if (unknown !== undefined) throw new AppError('cli/usage', `there is no scope ${oneLine(unknown)}`, { hint: `use ${grantableScopes.join(', ')}` })
    const name =
      parsed.text('name') ??
      (hostname()
        .replaceAll(/[^A-Za-z0-9 ._-]/g, '')
        .slice(0, 64) ||
        'device')
    const stopping = new AbortController()
    const unlisten = context.io.onSignal(() => stopping.abort(new DOMException('stopped', 'AbortError')))
    try {
      const scopes = asked.length === 0 ? ['operator.read', 'operator.write'] : asked
      await context.services.pair(
        { url, name, scopes },
        ({ requestId, fingerprint }) => context.io.write(`fingerprint: ${oneLine(fingerprint)}\nwaiting for: cara devices approve ${oneLine(requestId)}\n`),
        stopping.signal,
      )
    } catch (error) {
      if (stopping.signal.aborted) return exitCodes.cancelled
      throw error
    } finally {
      unlisten()
    }
    context.io.write(`paired: use --host ${oneLine(url)}\n`)
    return exitCodes.ok
  },
})
