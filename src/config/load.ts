/**
 * Reads the configuration: defaults < file < shared < environment < flags. Strict: everything that is wrong is told at once, with the nearest key for each that is unknown, and no
 * error ever holds a value.
 */
import * as z from 'zod/mini'
import type { AppError } from '../contracts/errors.ts'
import { parseTelling } from '../contracts/fields.ts'
import { Secret } from '../contracts/secret.ts'
import type { Settings, SharedValue } from '../contracts/settings.ts'
import { isObject, layer, type Flag, type Layers } from './layers.ts'
import { placeOf, type Place } from './places.ts'
import { configInvalid, problemsOf, type Problem } from './problems.ts'
import { resolveValues, type Resolved } from './resolve-values.ts'
import { composeSchema, type Config, type Sections } from './schema.ts'
import { createSettings } from './settings.ts'
import { lineFinder, parseSource, readSourceFile, type SourceFile } from './source-file.ts'

export interface LoadOptions {
  readonly file: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly sections: Sections
  readonly flags?: readonly Flag[]
  /** What gateways on one store go by. */
  readonly shared?: readonly SharedValue[]
  /** Opens a sealed secret of the file; absent, secrets stay sealed: enough to show the configuration, not to use it. */
  readonly open?: (path: string, sealed: string) => string
}

export interface LoadedConfig {
  readonly config: Config
  readonly settings: Settings
  /** Every secret of the configuration, for the log's registry. */
  readonly secrets: readonly string[]
  /** What should be changed though it works; each sentence says how. */
  readonly warnings: readonly string[]
  /** The same file, as it was read, with these shared values. Throws `config/invalid`. */
  withShared(values: readonly SharedValue[]): Promise<LoadedConfig>
}

interface Examined {
  readonly schema: ReturnType<typeof composeSchema>
  readonly root: Place
  readonly resolved: Resolved
  readonly layers: Layers
  /** Null when there is a problem. */
  readonly config: Config | null
  readonly problems: readonly Problem[]
}

/** Throws `config/invalid` and `config/unreadable`. */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  return loadText(options, readSourceFile(options.file))
}

async function loadText(options: LoadOptions, source: SourceFile | null): Promise<LoadedConfig> {
  const { schema, root, resolved, layers, config, problems } = await examine(options, source?.text ?? '')
  if (config === null) throw await invalid(options.file, source?.text ?? '', layers, problems)
  return {
    config,
    settings: createSettings({ file: options.file, text: source?.text ?? null, schema, root, config, origins: layers.origins }),
    secrets: secretsIn(config),
    warnings: source === null ? [] : warningsFor(options.file, source, resolved),
    withShared: (shared) => loadText({ ...options, shared }, source),
  }
}

/** Checks a text before it is written. A variable that this shell does not have may exist where the gateway runs. */
export async function checkConfig(options: LoadOptions, text: string): Promise<void> {
  const { resolved, layers, problems } = await examine(options, text)
  const tolerated = new Set(resolved.missing.map(keyOf))
  const left = problems.filter((problem) => !tolerated.has(keyOf(problem.path)))
  if (left.length > 0) throw await invalid(options.file, text, layers, left)
}

async function examine(options: LoadOptions, text: string): Promise<Examined> {
  const { file, env, sections } = options
  const schema = composeSchema(sections)
  const root = placeOf(schema)
  const resolved = resolveValues(await parseSource(file, text), root, env, options.open)
  const layers = layer({ root, file, fileData: resolved.value, env, sections, flags: options.flags ?? [], shared: options.shared ?? [] })
  const result = await parseTelling(schema, layers.data)
  const missing = new Set(resolved.missing.map(keyOf))
  const fromFile = (problem: Problem) => (layers.origins.get(keyOf(problem.path))?.source ?? 'file') === 'file'
  const problems = [
    // What a variable or a flag replaced cannot be wrong any more.
    ...resolved.problems.filter(fromFile),
    ...problemsOf(result.error?.issues ?? [], root).filter((problem) => !fromFile(problem) || !missing.has(keyOf(problem.path))),
  ]
  const complete = result.success && problems.length === 0
  const config = complete ? { ...result.data, providers: withEmptySections(result.data.providers, sections) } : null
  return { schema, root, resolved, layers, config, problems }
}

const keyOf = (path: readonly string[]) => path.join('.')

async function invalid(file: string, text: string, { origins }: Layers, problems: readonly Problem[]): Promise<AppError> {
  const from = (path: string) => (origins.get(path)?.source === 'file' ? null : (origins.get(path)?.from ?? null))
  return configInvalid(file, problems, from, await lineFinder(text))
}

/** A section that is not written gets its defaults; one that cannot do without values stays absent. */
function withEmptySections(written: Readonly<Record<string, unknown>>, sections: Sections): Readonly<Record<string, unknown>> {
  const filled = Object.entries(sections).map(([id, { schema }]) => [id, written[id] ?? z.safeParse(schema, {}).data] as const)
  return Object.fromEntries(filled.filter(([, value]) => value !== undefined))
}

function secretsIn(value: unknown): readonly string[] {
  if (value instanceof Secret) return [value.reveal()]
  if (Array.isArray(value)) return value.flatMap(secretsIn)
  return isObject(value) ? Object.values(value).flatMap(secretsIn) : []
}

function warningsFor(file: string, source: SourceFile, { plaintext }: Resolved): readonly string[] {
  const names = plaintext.map((path) => path.join('.'))
  const sealing =
    names.length === 0
      ? []
      : [
          `${names.join(', ')} stand${names.length === 1 ? 's' : ''} in ${file} as plain text: \`cara secrets seal\` seals ${names.length === 1 ? 'it' : 'them'}`,
        ]
  const exposed = plaintext.length > 0 && source.readableByOthers
  return exposed ? [...sealing, `other users of this machine can read the secrets in ${file}: \`chmod 600 '${file}'\``] : sealing
}
