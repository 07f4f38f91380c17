/** The configuration as doors show it: redacted, explained, changeable. Implemented by `config/`, handed out by `app/`. */
import type { JsonValue } from './json.ts'

export type ValueSource = 'default' | 'file' | 'environment' | 'flag'

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
