import type * as z from 'zod'
import { AppError } from '../../contracts/errors.ts'
import { grantableScopes } from '../../contracts/scope.ts'
import { deviceListResult, deviceResult, pairListResult, pairRejectResult, type deviceView } from '../../contracts/ws/devices.ts'
import type { GatewayClient } from '../../net/gateway-client.ts'
import { type CommandGroup, defineCommand } from '../command.ts'
import type { CliContext, GatewayTarget } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { gatewayOptions, jsonOption } from '../option.ts'
import { oneLine, printJson, table, time } from '../output.ts'
import { understood } from '../understood.ts'
import { target as gatewayOf, withGateway } from '../with-gateway.ts'

const options = { json: jsonOption, ...gatewayOptions }
const exitCodesOfAll = [exitCodes.unreachable]
const idPositional = [{ name: 'id', description: 'Its id, or the beginning of it', required: true }]

const list = defineCommand({
  name: 'list',
  summary: 'Devices, and those that ask to be one',
  options,
  positionals: [],
  examples: [{ command: 'cara devices list', does: 'Name, fingerprint and scopes of each' }],
  exitCodes: exitCodesOfAll,
  run: (context, parsed) =>
    onGateway(context, gatewayOf(parsed.text('host'), parsed.number('port')), async (client) => {
      const { requests } = understood(pairListResult, await client.call('device.pair.list'))
      const { devices } = understood(deviceListResult, await client.call('device.list'))
      if (parsed.flag('json')) return printJson(context.io, { requests, devices })
      for (const request of requests) {
        context.io.write(`asks: ${oneLine(request.name)} from ${oneLine(request.address)}, wishes ${oneLine(request.scopes.join(', ')) || 'nothing'}\n`)
        context.io.write(
          `      fingerprint ${oneLine(request.fingerprint)}, until ${time(request.expiresAt)}: cara devices approve ${oneLine(request.requestId)}\n`,
        )
      }
      const rows = devices.map(({ id, name, fingerprint, scopes, status, lastUsedAt }) => [
        id.slice(0, 12),
        name,
        fingerprint,
        status,
        scopes.join(' ') || 'none',
        lastUsedAt === null ? 'never' : time(lastUsedAt),
      ])
      if (rows.length === 0) context.io.write(requests.length === 0 ? 'no device\n' : '')
      else table(context.io, ['id', 'name', 'fingerprint', 'status', 'scopes', 'last used'], rows)
    }),
})

const approve = defineCommand({
  name: 'approve',
  summary: 'Admit a device',
  details:
    'Without --scopes it may read and write, as far as it wishes to; anything else you name. Nobody grants what he may not do himself. Compare the fingerprint\nwith what the other machine shows.',
  options: { ...options, scopes: { type: 'list', value: 'SCOPE', description: `What it may do: ${grantableScopes.join(', ')}; \`none\` for nothing` } },
  positionals: [{ name: 'request', description: 'As `cara devices list` and the other machine show it', required: true }],
  examples: [{ command: 'cara devices approve pair_1k3xq0v2a3f09c2b81d77 --scopes operator.read', does: 'It may read, and no more' }],
  exitCodes: exitCodesOfAll,
  run: (context, parsed) =>
    onGateway(context, gatewayOf(parsed.text('host'), parsed.number('port')), async (client) => {
      const asked = parsed.list('scopes').flatMap((scope) => scope.split(','))
      const scopes = asked.length === 0 ? {} : { scopes: asked.filter((scope) => scope !== 'none') }
      const { device } = understood(deviceResult, await client.call('device.pair.approve', { requestId: parsed.argument(0), ...scopes }))
      tell(context, parsed.flag('json'), 'admitted', device)
    }),
})

const reject = defineCommand({
  name: 'reject',
  summary: 'Refuse a device that asks',
  options,
  positionals: [{ name: 'request', description: 'As `cara devices list` shows it', required: true }],
  examples: [{ command: 'cara devices reject pair_1k3xq0v2a3f09c2b81d77', does: 'It may ask again' }],
  exitCodes: exitCodesOfAll,
  run: (context, parsed) =>
    onGateway(context, gatewayOf(parsed.text('host'), parsed.number('port')), async (client) => {
      const rejected = understood(pairRejectResult, await client.call('device.pair.reject', { requestId: parsed.argument(0) }))
      if (parsed.flag('json')) printJson(context.io, rejected)
      else context.io.write(`refused: ${oneLine(rejected.deviceId.slice(0, 12))}\n`)
    }),
})

const rotate = defineCommand({
  name: 'rotate',
  summary: 'End the token of a device; it fetches another by its key',
  details: 'Whoever has the token alone is out within a second. The device itself notices nothing.',
  options,
  positionals: idPositional,
  examples: [{ command: 'cara devices rotate 3f09c2b81d77', does: 'Its token may have been seen' }],
  exitCodes: exitCodesOfAll,
  run: (context, parsed) =>
    onGateway(context, gatewayOf(parsed.text('host'), parsed.number('port')), (client) =>
      change(context, parsed.flag('json'), client, 'device.token.rotate', 'rotated', parsed.argument(0)),
    ),
})

const revoke = defineCommand({
  name: 'revoke',
  summary: 'Take a device out',
  details: 'Its connections close within a second, and what it had sent is cancelled. It may ask to be admitted again.',
  options,
  positionals: idPositional,
  examples: [{ command: 'cara devices revoke 3f09c2b81d77', does: 'The machine was lost' }],
  exitCodes: exitCodesOfAll,
  run: (context, parsed) =>
    onGateway(context, gatewayOf(parsed.text('host'), parsed.number('port')), (client) =>
      change(context, parsed.flag('json'), client, 'device.token.revoke', 'revoked', parsed.argument(0)),
    ),
})

function onGateway(context: CliContext, at: GatewayTarget, work: (client: GatewayClient) => Promise<void>): Promise<number> {
  return withGateway(context, { ...at, orEmbed: false }, async (client) => {
    await work(client)
    return exitCodes.ok
  })
}

async function change(context: CliContext, isJson: boolean, client: GatewayClient, method: string, word: string, prefix: string): Promise<void> {
  const { devices } = understood(deviceListResult, await client.call('device.list'))
  const found = devices.filter(({ id, status }) => id.startsWith(prefix) && status !== 'revoked')
  const [only] = found
  if (only === undefined || found.length > 1) throw new AppError('device/not-found', found.length > 1 ? `${oneLine(prefix)} may be several` : oneLine(prefix))
  tell(context, isJson, word, understood(deviceResult, await client.call(method, { deviceId: only.id })).device)
}

function tell({ io }: CliContext, isJson: boolean, word: string, device: z.infer<typeof deviceView>): void {
  if (isJson) printJson(io, { device })
  else io.write(`${word}: ${oneLine(device.name)} ${oneLine(device.fingerprint)} (${oneLine(device.scopes.join(', ')) || 'no scope'})\n`)
}

export const group: CommandGroup = { name: 'devices', summary: 'Machines that may use this gateway', commands: [list, approve, reject, rotate, revoke] }
