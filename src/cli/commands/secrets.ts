import { AppError } from '../../contracts/errors.ts'
import { type CommandGroup, defineCommand } from '../command.ts'
import type { CliContext } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { jsonOption } from '../option.ts'
import { clean, painter, printJson } from '../output.ts'

const NAME = { name: 'NAME', description: 'A name of your own, or the path of a key such as `providers.openai.apiKey`', required: true } as const
const codes = [exitCodes.config]
const MAX_CHARACTERS = 8192

const list = defineCommand({
  name: 'list',
  summary: 'Names, forms and uses; never values',
  details:
    'A form is `sealed`, `plain` (seal it: `cara secrets seal`), `reference` (the file names a variable) or `environment` (a variable replaces the file).',
  options: { json: jsonOption },
  positionals: [],
  examples: [{ command: 'cara secrets list', does: 'Every secret on a line' }],
  exitCodes: codes,
  async run(context, parsed) {
    const listing = await context.services.secrets()
    if (parsed.flag('json')) {
      printJson(context.io, listing)
      return exitCodes.ok
    }
    const paint = painter(context.io)
    for (const { name, form, from, use } of listing.secrets) {
      const shown = form === 'plain' ? paint.yellow(form) : form
      context.io.write(`${clean(name)}  ${shown}${from === null ? '' : ` (${clean(from)})`}  ${clean(use)}\n`)
    }
    if (listing.secrets.length === 0) context.io.write('no secret\n')
    context.io.write(`key: ${listing.keyKind === null ? 'none yet' : KEYS[listing.keyKind]}\n`)
    return exitCodes.ok
  },
})

const set = defineCommand({
  name: 'set',
  summary: 'Seal a secret; its value comes from stdin or a prompt',
  details: 'The value is never an argument: others could see it in the process list. One line end at its end is left out.',
  options: { host: { type: 'list', value: 'HOST', description: 'Host that a named secret may be sent to, over https; may be given again' }, json: jsonOption },
  positionals: [NAME],
  examples: [
    { command: 'cara secrets set github --host api.github.com', does: 'Asks for the value; tools may use it there, by its name' },
    { command: 'cara secrets set providers.openai.apiKey < key.txt', does: 'Seals the key of a provider' },
  ],
  exitCodes: [...codes, exitCodes.cancelled],
  async run(context, parsed) {
    const value = await readSecret(context, `Value of ${clean(parsed.argument(0))}`)
    const path = await context.services.setSecret(parsed.argument(0), value, parsed.list('host'))
    return told(context, parsed.flag('json'), { sealed: path }, `sealed ${path}`)
  },
})

const remove = defineCommand({
  name: 'delete',
  summary: 'Take a secret out of the file',
  options: { json: jsonOption },
  positionals: [NAME],
  examples: [{ command: 'cara secrets delete github', does: 'Forgets it, and its hosts' }],
  exitCodes: codes,
  async run(context, parsed) {
    const path = await context.services.deleteSecret(parsed.argument(0))
    return told(context, parsed.flag('json'), { deleted: path }, `deleted ${path}`)
  },
})

const allow = defineCommand({
  name: 'allow',
  summary: 'One more host for a named secret',
  options: { json: jsonOption },
  positionals: [NAME, { name: 'HOST', description: 'Such as `api.github.com`, or with `:port`', required: true }],
  examples: [{ command: 'cara secrets allow github uploads.github.com', does: 'It may be sent there too' }],
  exitCodes: codes,
  async run(context, parsed) {
    const hosts = await context.services.allowSecret(parsed.argument(0), parsed.argument(1))
    return told(context, parsed.flag('json'), { name: parsed.argument(0), hosts }, `${parsed.argument(0)}: ${hosts.join(', ')}`)
  },
})

const seal = defineCommand({
  name: 'seal',
  summary: 'Seal every secret that stands in the file as plain text',
  details: 'In place, comments kept. Copies of the file that were made before still hold them: replace the secrets if others may have seen one.',
  options: { json: jsonOption },
  positionals: [],
  examples: [{ command: 'cara secrets seal', does: 'No secret stands in the file any more' }],
  exitCodes: codes,
  async run(context, parsed) {
    const sealed = await context.services.sealSecrets()
    const text = sealed.length === 0 ? 'no secret stands there as plain text' : sealed.map((path) => `sealed ${path}`).join('\n')
    return told(context, parsed.flag('json'), { sealed }, text)
  },
})

const rotate = defineCommand({
  name: 'rotate',
  summary: 'A new key for everything that is sealed',
  details:
    'The gateway must not run. `os` is the credential store of the system, `file` a key file in the state folder, `password` what you type (or send on stdin): keep it, and set\nCARAPACE_CONFIG_PASSWORD to it from then on. Interrupted at any moment, everything still opens; the next call goes on.',
  options: {
    to: { type: 'string', value: 'KEY', choices: ['os', 'file', 'password'], description: 'Where the new key comes from; by default as the old one' },
    json: jsonOption,
  },
  positionals: [],
  examples: [
    { command: 'cara secrets rotate', does: 'A new key of the same kind' },
    { command: 'cara secrets rotate --to os', does: 'The key moves into the credential store of the system' },
  ],
  exitCodes: [...codes, exitCodes.cancelled],
  async run(context, parsed) {
    const to = targetOf(parsed.text('to'))
    const password = to === 'password' ? await readSecret(context, 'New password') : null
    if (password !== null && password.length < LEAST_PASSWORD) throw new AppError('cli/usage', `a password needs ${LEAST_PASSWORD} characters or more`)
    const done = await context.services.rotateSecrets(to, password)
    const lines = [
      ...(done.resumed ? ['the change that was interrupted is finished'] : []),
      `sealed again: ${done.sealedAgain.join(', ') || 'nothing'}`,
      `key: ${KEYS[done.kind]}`,
      ...(done.kind === 'password' ? ['set CARAPACE_CONFIG_PASSWORD to the new password from now on'] : []),
      ...(done.kind !== 'password' && (context.env['CARAPACE_CONFIG_PASSWORD'] ?? '') !== ''
        ? ['unset CARAPACE_CONFIG_PASSWORD, or new secrets are sealed with it']
        : []),
      ...done.warnings.map((warning) => `warning: ${warning}`),
    ]
    return told(context, parsed.flag('json'), done, lines.join('\n'))
  },
})

export const group: CommandGroup = { name: 'secrets', summary: 'Secrets: names, hosts, sealing, keys', commands: [list, set, remove, allow, seal, rotate] }

const LEAST_PASSWORD = 10
const KEYS = { os: 'in the credential store of the system', file: 'a file in the state folder', password: 'from CARAPACE_CONFIG_PASSWORD' } as const

function targetOf(text: string | undefined): 'os' | 'file' | 'password' | null {
  return text === 'os' || text === 'file' || text === 'password' ? text : null
}

/** Hidden while it is typed; else all of stdin. */
async function readSecret(context: CliContext, message: string): Promise<string> {
  const { io } = context
  if (io.isInputTerminal && io.isTerminal) {
    const { terminalQuestions } = await import('../setup/questions.ts')
    return (await terminalQuestions(io)).text({ message, isRequired: true, isSecret: true, flag: 'the value' })
  }
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of io.input) {
    const bytes: Buffer = Buffer.from(chunk)
    length += bytes.length
    if (length > 4 * MAX_CHARACTERS) break
    chunks.push(bytes)
  }
  const text = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
  if (text === '') throw new AppError('cli/usage', 'there is no value on stdin', { hint: 'Send it on stdin, or run this on a terminal' })
  if (length > 4 * MAX_CHARACTERS || text.length > MAX_CHARACTERS) throw new AppError('cli/usage', `a secret holds ${MAX_CHARACTERS} characters at most`)
  return text
}

function told(context: CliContext, isJson: boolean, value: object, text: string): number {
  if (isJson) printJson(context.io, value)
  else context.io.write(`${text.split('\n').map(clean).join('\n')}\n`)
  return exitCodes.ok
}
