/**
 * Runs one program with its arguments, in a sandbox. Never a line for a shell: what is in `argv` reaches the program as it is. The owner is asked for every command, and what he agreed
 * to is what runs.
 */
import type { JsonValue } from '../../contracts/json.ts'
import type { Tool } from '../../contracts/tool.ts'
import { createTurnstile } from './turnstile.ts'
import { commandShape } from './command-shape.ts'
import { describeCommand, mustBeShownWhole } from './describe-command.ts'
import { execInput, type ExecInput } from './input.ts'
import type { ExecSettings } from './settings.ts'

/** Commands that may wait for the one that runs. */
const MAX_WAITING = 8

export function exec(settings: ExecSettings): Tool<ExecInput> {
  // One at a time: they share a workspace, and none may change what another was bound to.
  const turnstile = createTurnstile(MAX_WAITING)
  return {
    name: 'exec',
    description: 'Run a program in a sandbox; no shell, no network but hosts (name:port).',
    input: execInput,
    manifest: {
      effect: 'irreversible',
      effectWithoutDestination: 'irreversible',
      recovery: 'unsafe',
      destinations: ['hosts'],
      targets: ['argv'],
      content: ['stdin'],
      paths: [],
      consent: 'every-call',
      returns: { trust: 'untrusted', private: true, curated: false, records: false },
    },
    async bind(input, signal): Promise<JsonValue> {
      const { bindCommand } = await import('./bind-command.ts')
      const binding = await bindCommand(input, settings, signal)
      mustBeShownWhole(describeCommand(input, binding))
      return binding
    },
    shape: commandShape,
    describe: describeCommand,
    async run(input, { binding }, signal) {
      const { runCommand } = await import('./run-command.ts')
      return turnstile(signal, () => runCommand(input, binding, settings, signal))
    },
  }
}
