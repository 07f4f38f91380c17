import { defineCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'

export const command = defineCommand({
  name: 'setup',
  summary: 'Connect a model',
  details:
    'Asks for what the flags leave open, tries the credentials at the provider, and writes the configuration only when they work. Without a terminal, or with\n--non-interactive, it asks nothing and fails where something is missing. A key that comes from an environment variable is written as a reference to that variable.',
  options: {
    provider: { type: 'string', value: 'ID', description: 'Provider, for example `anthropic` or `ollama`' },
    'api-key': { type: 'string', value: 'KEY', description: 'Key of the provider; others can see it in the process list, so prefer --api-key-env' },
    'api-key-env': { type: 'string', value: 'NAME', description: 'Environment variable that holds the key' },
    'base-url': { type: 'string', value: 'URL', description: 'Address of the server, where it is not the usual one' },
    field: { type: 'list', value: 'PATH=VALUE', description: 'Another value of the provider’s section' },
    model: { type: 'string', short: 'm', value: 'NAME', description: 'Default model' },
    port: { type: 'number', value: 'PORT', description: 'Port of the gateway' },
    force: { type: 'boolean', description: 'Replace a model that is set up already' },
    'non-interactive': { type: 'boolean', description: 'Ask nothing' },
  },
  positionals: [],
  examples: [
    { command: 'cara setup', does: 'Asks step by step' },
    { command: 'cara setup --provider anthropic --api-key-env ANTHROPIC_API_KEY --model claude-opus-5', does: 'Asks nothing' },
    { command: 'cara setup --provider ollama --base-url http://127.0.0.1:11434 --model qwen3:8b', does: 'A model on this machine' },
  ],
  exitCodes: [exitCodes.config, exitCodes.provider, exitCodes.cancelled],
  async run(context, parsed) {
    const isInteractive = context.io.isTerminal && context.io.isInputTerminal && !parsed.flag('non-interactive')
    const [{ setUp }, { terminalQuestions, noQuestions }] = await Promise.all([import('../setup/set-up.ts'), import('../setup/questions.ts')])
    return setUp(context, isInteractive ? await terminalQuestions(context.io) : noQuestions, {
      provider: parsed.text('provider'),
      apiKey: parsed.text('api-key'),
      apiKeyEnv: parsed.text('api-key-env'),
      baseUrl: parsed.text('base-url'),
      fields: parsed.list('field'),
      model: parsed.text('model'),
      port: parsed.number('port'),
      force: parsed.flag('force'),
    })
  },
})
