import { AppError } from '../../contracts/errors.ts'
import { clusterChangeResult, clusterDrainResult, clusterStatusResult } from '../../contracts/ws/cluster.ts'
import type { JsonValue } from '../../contracts/json.ts'
import { type CommandGroup, defineCommand } from '../command.ts'
import type { CliContext } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { gatewayOptions, jsonOption } from '../option.ts'
import type { Parsed } from '../parsed.ts'
import { clean, printJson, safeJson, table, time } from '../output.ts'
import { understood } from '../understood.ts'
import { target, withGateway } from '../with-gateway.ts'

const status = defineCommand({
  name: 'status',
  summary: 'The gateways that share this store',
  details:
    'State, version, the turns that each holds, and how long ago it was heard of (10 s is dead: its turns go on elsewhere). `other` in the column config: it was\ngoes by another configuration than the one that answers. `settings`: the version of the shared settings that it goes by; below them, why one does not go by the newest.',
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
        const rows = found.nodes.map(({ id, host, pid, url, version, schema, sameConfig, settings, alive, draining, turns, lagMs, startedAt }) => [
          id === found.self ? `${id} *` : id,
          alive ? (draining ? 'drained' : 'runs') : 'dead',
          `${host}:${pid}`,
          url,
          `${version} (schema ${schema})`,
          sameConfig ? 'same' : 'other',
          String(settings),
          String(turns),
          `${lagMs} ms`,
          time(startedAt),
        ])
        table(context.io, ['node', 'state', 'host:pid', 'address', 'version', 'config', 'settings', 'turns', 'heard of', 'since (UTC)'], rows)
        for (const { id, settingsFault } of found.nodes) if (settingsFault !== null) context.io.write(`${id}: ${clean(settingsFault)}\n`)
        const values = found.settings.values.map(({ path, value, version, by, at }) => [clean(path), safeJson(value), String(version), clean(by), time(at)])
        if (values.length > 0) {
          context.io.write('\n')
          table(context.io, ['shared setting', 'value', 'version', 'by', 'at (UTC)'], values)
        }
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

const changeOptions = { json: jsonOption, ...gatewayOptions }
const PATH = { name: 'PATH', description: 'Dotted path of the value, for example `agent.model`', required: true } as const

const set = defineCommand({
  name: 'set',
  summary: 'Change a setting on every node, while they run',
  details:
    'Kept in the store, and applied by each node within two seconds; it goes before what stands in their files. What decides about safety is not shared.',
  options: changeOptions,
  positionals: [PATH, { name: 'VALUE', description: 'JSON5, or plain text', required: true }],
  examples: [{ command: 'cara cluster set agent.model openai:gpt-5.5', does: 'Makes it the default model of all nodes' }],
  exitCodes: [exitCodes.unreachable, exitCodes.config],
  run: (context, parsed) => change(context, parsed, 'cluster.set', { key: parsed.argument(0), value: parsed.argument(1) }),
})

const unset = defineCommand({
  name: 'unset',
  summary: 'Take a shared setting back',
  details: 'Each node goes by its own file again.',
  options: changeOptions,
  positionals: [PATH],
  examples: [{ command: 'cara cluster unset agent.model', does: 'Each node has the model of its file again' }],
  exitCodes: [exitCodes.unreachable, exitCodes.config],
  run: (context, parsed) => change(context, parsed, 'cluster.unset', { key: parsed.argument(0) }),
})

function change(context: CliContext, parsed: Parsed<typeof changeOptions>, method: string, params: JsonValue): Promise<number> {
  return withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: false }, async (client) => {
    const result = understood(clusterChangeResult, await client.call(method, params))
    if (parsed.flag('json')) printJson(context.io, result)
    else context.io.write(`${clean(result.key)}: version ${result.version} of the shared settings\n`)
    return exitCodes.ok
  })
}

export const group: CommandGroup = { name: 'cluster', summary: 'Gateways that share a store', commands: [status, drain, set, unset], otherwise: 'status' }
