import { defineCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { gatewayOptions, jsonOption } from '../option.ts'
import { bytes, oneLine, painter, printJson } from '../output.ts'
import { understood } from '../understood.ts'
import { target, withGateway } from '../with-gateway.ts'

export const command = defineCommand({
  name: 'status',
  summary: 'What the gateway is doing',
  details: 'Asks the gateway that runs. With 1 it runs, but is not ready, and the lines say why.',
  options: { json: jsonOption, ...gatewayOptions },
  positionals: [],
  examples: [{ command: 'cara status --json', does: 'For scripts and monitors' }],
  exitCodes: [exitCodes.unreachable],
  run(context, parsed) {
    return withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: false }, async (client) => {
      const { statusResult } = await import('../../contracts/ws/health.ts')
      const status = understood(statusResult, await client.call('status'))
      const code = status.notReady.length === 0 ? exitCodes.ok : exitCodes.failed
      if (parsed.flag('json')) {
        printJson(context.io, status)
        return code
      }
      const paint = painter(context.io)
      const rows: readonly (readonly [string, string])[] = [
        ['status', status.notReady.length === 0 ? paint.green(status.status) : paint.yellow(`${status.status}, not ready`)],
        ...status.notReady.map((reason) => ['', oneLine(reason)] as const),
        ['address', client.url.replace(/^ws/, 'http').replace(/\/ws$/, '')],
        ['version', oneLine(status.version)],
        ['up', uptime(status.uptimeSeconds)],
        ['model', status.model.name === null ? 'none: run `cara setup`' : `${oneLine(status.model.name)} (${status.model.source})`],
        ['turns', `${status.activeTurns} running, ${status.queuedTurns} waiting, ${status.finishedTurns} finished`],
        ['sessions', String(status.sessions)],
        ['connections', String(status.connections)],
        ['database', bytes(status.databaseBytes)],
      ]
      for (const [name, value] of rows) context.io.write(`${name.padEnd(13)}${value}\n`)
      return code
    })
  },
})

function uptime(total: number): string {
  const days = Math.floor(total / 86_400)
  const hours = Math.floor((total % 86_400) / 3600)
  const minutes = Math.floor((total % 3600) / 60)
  return [
    days > 0 ? `${days} d` : '',
    hours > 0 ? `${hours} h` : '',
    minutes > 0 ? `${minutes} min` : '',
    days === 0 && hours === 0 ? `${Math.floor(total % 60)} s` : '',
  ]
    .filter(Boolean)
    .join(' ')
}
