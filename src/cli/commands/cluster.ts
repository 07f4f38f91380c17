import { AppError } from '../../contracts/errors.ts'
import { clusterDrainResult, clusterStatusResult } from '../../contracts/ws/cluster.ts'
import { type CommandGroup, defineCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { gatewayOptions, jsonOption } from '../option.ts'
import { printJson, table, time } from '../output.ts'
import { understood } from '../understood.ts'
import { target, withGateway } from '../with-gateway.ts'

const status = defineCommand({
  name: 'status',
  summary: 'The gateways that share this store',
  details:
    'State, version, the turns that each holds, and how long ago it was heard of (10 s is dead: its turns go on elsewhere). `other` in the column config: it was\nstarted with another configuration than the one that answers.',
  options: { json: jsonOption, ...gatewayOptions },
  positionals: [],
  examples: [{ command: 'cara cluster status', does: 'Lists them' }],
  exitCodes: [exitCodes.unreachable],
  run: (context, parsed) =>
    withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: false }, async (client) => {
      const found = understood(clusterStatusResult, await client.call('cluster.status'))
      if (parsed.flag('json')) printJson(context.io, found)
      else if (found.self === null) context.io.write('this gateway shares its store with nobody (store.url)\n')
      else {
        const rows = found.nodes.map(({ id, host, pid, url, version, schema, sameConfig, alive, draining, turns, lagMs, startedAt }) => [
          id === found.self ? `${id} *` : id,
          alive ? (draining ? 'drained' : 'runs') : 'dead',
          `${host}:${pid}`,
          url,
          `${version} (schema ${schema})`,
          sameConfig ? 'same' : 'other',
          String(turns),
          `${lagMs} ms`,
          time(startedAt),
        ])
        table(context.io, ['node', 'state', 'host:pid', 'address', 'version', 'config', 'turns', 'heard of', 'since (UTC)'], rows)
      }
      return exitCodes.ok
    }),
})

const drain = defineCommand({
  name: 'drain',
  summary: 'Let a node take nothing new, so that it can be stopped',
  details:
    'It ends what it carries on, refuses new messages, and is not ready for a load balancer. Others take up what waits. `--off` lets it work again; so does a new start.',
  options: { off: { type: 'boolean', description: 'Let it work again' }, json: jsonOption, ...gatewayOptions },
  positionals: [{ name: 'NODE', description: 'Its id, or the beginning of it', required: true }],
  examples: [{ command: 'cara cluster drain node_1k3xq0v2a3f09c2b81d77', does: 'Before it is replaced' }],
  exitCodes: [exitCodes.unreachable],
  run: (context, parsed) =>
    withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: false }, async (client) => {
      const { nodes } = understood(clusterStatusResult, await client.call('cluster.status'))
      const named = nodes.filter(({ id }) => id.startsWith(parsed.argument(0)))
      if (named.length > 1) throw new AppError('request/invalid', `${named.length} nodes begin with ${parsed.argument(0)}`)
      const id = named[0]?.id ?? parsed.argument(0)
      const result = understood(clusterDrainResult, await client.call('cluster.drain', { id, draining: !parsed.flag('off') }))
      if (parsed.flag('json')) printJson(context.io, result)
      else context.io.write(result.draining ? `${id} takes nothing new\n` : `${id} works again\n`)
      return exitCodes.ok
    }),
})

export const group: CommandGroup = { name: 'cluster', summary: 'Gateways that share a store', commands: [status, drain], otherwise: 'status' }
