/** The configuration as doors show it: redacted, explained, changeable. Implemented by `config/`, handed out by `app/`. */
import type { JsonValue } from './json.ts'

/** `shared`: kept in a store that several gateways share. */
export type ValueSource = 'default' | 'file' | 'shared' | 'environment' | 'flag'

export interface Explanation {
  readonly path: string
  /** Redacted. */
  readonly value: JsonValue
  readonly source: ValueSource
  /** The file, variable or flag it came from. */
  readonly from: string | null
  readonly description: string
}

export interface Settings {
  /** Every value, secrets as `[secret]`. */
  redacted(): JsonValue
  /** One value by dotted path, redacted. Throws `config/unknown-key` that names the nearest key. */
  get(path: string): JsonValue
  explain(path: string): Explanation
  /** JSON Schema of the file. */
  schema(): JsonValue
  /** Hex SHA-256 of the file, or null where there is none. */
  readonly hash: string | null
  readonly file: string
}

/** A setting that all nodes of a shared store go by. */
export interface SharedValue {
  /** Dotted path. */
  readonly path: string
  readonly value: JsonValue
  /** The change that set it. */
  readonly version: number
  readonly by: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

export interface SharedValues {
  /** How many changes there have been. */
  readonly version: number
  /** The oldest change first: a later one goes before an earlier one. */
  readonly values: readonly SharedValue[]
}

/** Settings of all nodes, as doors change them. */
export interface SharedSettings {
  read(): Promise<SharedValues>
  /**
   * Checked here, kept, applied here, and told to the others; the new version. A text is read as the key expects it; null takes the value back. Throws `config/unknown-key`,
   * `config/not-shared`, `config/invalid`, `store/conflict`.
   */
  change(path: string, value: JsonValue, by: string): Promise<number>
}
