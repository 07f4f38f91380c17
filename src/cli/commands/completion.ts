import { defineCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'

export const command = defineCommand({
  name: 'completion',
  summary: 'Completion script for a shell',
  options: {},
  positionals: [{ name: 'SHELL', description: 'bash, zsh or fish', required: true }],
  examples: [
    { command: 'source <(cara completion bash)', does: 'For this bash; put it into ~/.bashrc to keep it' },
    { command: 'cara completion zsh > "${fpath[1]}/_cara"', does: 'For zsh' },
    { command: 'cara completion fish > ~/.config/fish/completions/cara.fish', does: 'For fish' },
  ],
  async run(context, parsed) {
    const [{ completionScript }, { registry }] = await Promise.all([import('../completion.ts'), import('../registry.ts')])
    context.io.write(await completionScript(parsed.argument(0), registry))
    return exitCodes.ok
  },
})
