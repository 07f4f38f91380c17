/** The values of a provider's section: from flags, from the environment, from the person. */
import { AppError } from '../../contracts/errors.ts'
import type { CliContext, ProviderOffer } from '../context.ts'
import type { Questions } from './questions.ts'

export interface SetupFlags {
  readonly provider?: string | undefined
  readonly apiKey?: string | undefined
  readonly apiKeyEnv?: string | undefined
  readonly baseUrl?: string | undefined
  /** `path=value` */
  readonly fields: readonly string[]
  readonly model?: string | undefined
  readonly port?: number | undefined
  readonly force: boolean
}

export interface FieldValue {
  readonly path: string
  readonly value: string
  /** What goes into the file: the value, or a reference to the variable that holds it. */
  readonly written: string
}

type Field = ProviderOffer['fields'][number]

export async function readFields(context: CliContext, ask: Questions, flags: SetupFlags, offer: ProviderOffer): Promise<readonly FieldValue[]> {
  const given = givenFields(context, flags, offer)
  const values: FieldValue[] = []
  for (const field of offer.fields) {
    const value = given.get(field.path) ?? fromEnvironment(context, field) ?? (await askFor(ask, field))
    if (value !== null) values.push(value)
  }
  for (const [path, value] of given) if (!offer.fields.some((field) => field.path === path)) values.push(value)
  return values
}

function givenFields(context: CliContext, flags: SetupFlags, offer: ProviderOffer): ReadonlyMap<string, FieldValue> {
  const given = new Map<string, FieldValue>()
  const add = (path: string, value: string, written = JSON.stringify(value)) => given.set(path, { path, value, written })
  for (const pair of flags.fields) {
    const at = pair.indexOf('=')
    if (at < 1) throw new AppError('cli/usage', '--field is not of the form PATH=VALUE', { hint: 'for example --field region=eu-central-1' })
    add(pair.slice(0, at), pair.slice(at + 1))
  }
  if (flags.baseUrl !== undefined) add('baseUrl', flags.baseUrl)
  if (flags.apiKey === undefined && flags.apiKeyEnv === undefined) return given
  const path = offer.fields.find((field) => field.secret)?.path ?? 'apiKey'
  if (flags.apiKey !== undefined) add(path, flags.apiKey)
  if (flags.apiKeyEnv !== undefined) {
    const value = context.env[flags.apiKeyEnv]
    if (value === undefined || value === '')
      throw new AppError('cli/usage', `the variable ${JSON.stringify(flags.apiKeyEnv.slice(0, 60))} is empty`, { hint: 'export it first' })
    add(path, value, JSON.stringify(`\${${flags.apiKeyEnv}}`))
  }
  return given
}

function fromEnvironment(context: CliContext, field: Field): FieldValue | null {
  const value = field.env === undefined ? undefined : context.env[field.env]
  return value === undefined || value === '' ? null : { path: field.path, value, written: JSON.stringify(`\${${field.env}}`) }
}

async function askFor(ask: Questions, field: Field): Promise<FieldValue | null> {
  const flag = field.path === 'apiKey' ? '--api-key-env' : field.path === 'baseUrl' ? '--base-url' : `--field ${field.path}=…`
  const message = field.required ? field.label : `${field.label} (may stay empty)`
  const value = (await ask.text({ message, isRequired: field.required, isSecret: field.secret, flag })).trim()
  return value === '' ? null : { path: field.path, value, written: JSON.stringify(value) }
}
