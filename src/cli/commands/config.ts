import type { JsonValue } from '../../contracts/json.ts'
import { type CommandGroup, defineCommand } from '../command.ts'
import type { CliContext } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { jsonOption } from '../option.ts'
import { clean, printJson, safeJson } from '../output.ts'

const PATH = { name: 'PATH', description: 'Dotted path of the value, for example `agent.model`', required: true } as const
const codes = [exitCodes.config]

const show = defineCommand({
  name: 'show',
  summary: 'The whole configuration, secrets hidden',
  details: 'Defaults, file, environment and flags put together, as JSON.',
  options: { json: jsonOption },
  positionals: [],
  examples: [{ command: 'cara config show', does: 'Prints every value' }],
  exitCodes: codes,
  async run(context) {
    printJson(context.io, (await context.services.settings()).redacted())
    return exitCodes.ok
  },
})

const get = defineCommand({
  name: 'get',
  summary: 'One value',
  details: 'Text is printed as it is, everything else as JSON; a secret prints as [secret].',
  options: { json: jsonOption },
  positionals: [PATH],
  examples: [{ command: 'cara config get gateway.port', does: 'Prints 18789' }],
  exitCodes: codes,
  async run(context, parsed) {
    const value = (await context.services.settings()).get(parsed.argument(0))
    if (parsed.flag('json')) printJson(context.io, value)
    else context.io.write(`${plain(value)}\n`)
    return exitCodes.ok
  },
})

const set = defineCommand({
  name: 'set',
  summary: 'Change a value in the file',
  details: 'Comments and layout of the file stay. The whole file is checked before it is written.',
  options: { json: jsonOption },
  positionals: [PATH, { name: 'VALUE', description: 'JSON5, or plain text', required: true }],
  examples: [
    { command: 'cara config set agent.model openai:gpt-5.5', does: 'Makes it the default model' },
    { command: "cara config set routes.main \"{models: ['anthropic:claude-opus-5', 'ollama:qwen3']}\"", does: 'Names a chain of models' },
  ],
  exitCodes: codes,
  async run(context, parsed) {
    await context.services.setConfig(parsed.argument(0), parsed.argument(1))
    return saved(context, parsed.flag('json'), parsed.argument(0))
  },
})

const unset = defineCommand({
  name: 'unset',
  summary: 'Take a value out of the file',
  options: { json: jsonOption },
  positionals: [PATH],
  examples: [{ command: 'cara config unset agent.temperature', does: 'Goes back to the default' }],
  exitCodes: codes,
  async run(context, parsed) {
    await context.services.unsetConfig(parsed.argument(0))
    return saved(context, parsed.flag('json'), parsed.argument(0))
  },
})

const path = defineCommand({
  name: 'path',
  summary: 'Where configuration and state lie',
  options: { json: jsonOption },
  positionals: [],
  examples: [{ command: 'cara config path', does: 'Prints the path of the file' }],
  run(context, parsed) {
    const paths = context.services.paths()
    if (parsed.flag('json')) printJson(context.io, paths)
    else context.io.write(`${paths.configFile}\n`)
    return Promise.resolve(exitCodes.ok)
  },
})

const explain = defineCommand({
  name: 'explain',
  summary: 'Where a value comes from and what it does',
  options: { json: jsonOption },
  positionals: [PATH],
  examples: [{ command: 'cara config explain gateway.port', does: 'Value, source and description' }],
  exitCodes: codes,
  async run(context, parsed) {
    const found = (await context.services.settings()).explain(parsed.argument(0))
    if (parsed.flag('json')) printJson(context.io, found)
    else {
      context.io.write(`${clean(found.path)} = ${plain(found.value)}\n`)
      context.io.write(`from:  ${found.source}${found.from === null ? '' : ` (${clean(found.from)})`}\n`)
      context.io.write(`about: ${clean(found.description)}\n`)
    }
    return exitCodes.ok
  },
})

const validate = defineCommand({
  name: 'validate',
  summary: 'Check the configuration without starting anything',
  options: { json: jsonOption },
  positionals: [],
  examples: [{ command: 'cara config validate && cara start', does: 'Starts only with a sound file' }],
  exitCodes: codes,
  async run(context, parsed) {
    const settings = await context.services.settings()
    if (parsed.flag('json')) printJson(context.io, { valid: true, file: settings.file, hash: settings.hash })
    else context.io.write(settings.hash === null ? `valid (there is no ${settings.file}; defaults and environment are used)\n` : `valid: ${settings.file}\n`)
    return exitCodes.ok
  },
})

export const group: CommandGroup = { name: 'config', summary: 'Read and change the configuration', commands: [show, get, set, unset, path, explain, validate] }

function plain(value: JsonValue): string {
  return typeof value === 'string' ? clean(value) : safeJson(value, 2)
}

function saved(context: CliContext, isJson: boolean, changed: string): number {
  const file = context.services.paths().configFile
  if (isJson) printJson(context.io, { saved: changed, file })
  else context.io.write(`saved ${clean(changed)} in ${file}\n`)
  return exitCodes.ok
}
