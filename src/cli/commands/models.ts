import { defineCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { gatewayOptions, jsonOption } from '../option.ts'
import { printJson, table } from '../output.ts'
import { understood } from '../understood.ts'
import { target, withGateway } from '../with-gateway.ts'

export const command = defineCommand({
  name: 'models',
  summary: 'Models and routes that can be used',
  options: { json: jsonOption, ...gatewayOptions },
  positionals: [],
  examples: [{ command: 'cara models', does: 'Lists what every provider offers; `*` marks the default' }],
  exitCodes: [exitCodes.unreachable, exitCodes.config],
  run(context, parsed) {
    return withGateway(context, { ...target(parsed.text('host'), parsed.number('port')), orEmbed: true }, async (client) => {
      const { modelsListResult } = await import('../../contracts/ws/models.ts')
      const list = understood(modelsListResult, await client.call('models.list'))
      if (parsed.flag('json')) printJson(context.io, list)
      else if (list.models.length === 0) context.io.write('no model is configured: run `cara setup`\n')
      else {
        table(
          context.io,
          ['', 'model', 'kind', 'context', '$ per million in/out'],
          list.models.map((model) => [
            model.name === list.default.name ? '*' : '',
            model.name,
            model.kind,
            model.contextTokens === undefined ? '' : String(model.contextTokens),
            model.price === undefined ? '' : `${model.price.input} / ${model.price.output}`,
          ]),
        )
      }
      return exitCodes.ok
    })
  },
})
