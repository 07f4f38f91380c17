/** Turns what the file says into plain values: `${VAR}` filled in from the environment (`$${` stands for `${`), sealed secrets opened. */
import { childOf, readText, type Place } from './places.ts'
import type { Problem } from './problems.ts'

type Environment = Readonly<Record<string, string | undefined>>
/** Opens a sealed text; it throws when it cannot. Absent: sealed texts stay sealed. */
type Open = ((path: string, sealed: string) => string) | undefined

export interface Resolved {
  readonly value: unknown
  readonly problems: readonly Problem[]
  /** Secrets that stand in the file as they are. */
  readonly plaintext: readonly (readonly string[])[]
  /** Values that need a variable which is not set. */
  readonly missing: readonly (readonly string[])[]
}

export const SEALED_PREFIX = 'enc:v3:'
const MAX_DEPTH = 32
const REFERENCE = /\$(\$\{|\{([A-Za-z_][A-Za-z0-9_]*)\})/g

/** Whether a text takes all it says from the environment. */
export function isReference(text: string): boolean {
  return /^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/.test(text)
}

export function resolveValues(data: unknown, root: Place, env: Environment, open: Open): Resolved {
  const walk = new Walk(env, open)
  const value = walk.any(data, root, [])
  return { value, problems: walk.problems, plaintext: walk.plaintext, missing: walk.missing }
}

class Walk {
  readonly problems: Problem[] = []
  readonly plaintext: (readonly string[])[] = []
  readonly missing: (readonly string[])[] = []
  readonly #env: Environment
  readonly #openSealed: Open

  constructor(env: Environment, open: Open) {
    this.#env = env
    this.#openSealed = open
  }

  any(value: unknown, place: Place | null, path: readonly string[]): unknown {
    if (typeof value === 'string') return this.#text(value, place, path)
    if (value === null || typeof value !== 'object') return value
    if (path.length >= MAX_DEPTH) {
      this.problems.push({ path, message: 'nested too deeply' })
      return null
    }
    const child = (member: unknown, key: string) => this.any(member, place === null ? null : childOf(place, key), [...path, key])
    if (Array.isArray(value)) return value.map((member: unknown, index) => child(member, String(index)))
    return Object.fromEntries(Object.entries(value).flatMap(([key, member]: [string, unknown]) => (this.#named(key, path) ? [[key, child(member, key)]] : [])))
  }

  /** An object's prototype cannot be configured. */
  #named(key: string, path: readonly string[]): boolean {
    if (key !== '__proto__') return true
    this.problems.push({ path: [...path, key], message: 'there is no such key' })
    return false
  }

  #text(text: string, place: Place | null, path: readonly string[]): unknown {
    if (place?.secret === true && text.startsWith(SEALED_PREFIX)) return this.#open(text, path)
    if (place?.secret === true && !text.includes('${')) this.plaintext.push(path)
    const before = this.missing.length
    const filled = text.replace(REFERENCE, (_reference, escaped: string, name: string | undefined) =>
      name === undefined ? escaped : this.#variable(name, path),
    )
    if (this.missing.length > before) return text
    // A reference may stand for a number or a switch.
    const whole = isReference(text) && place !== null && place.expected !== 'string'
    return whole ? readText(filled, place.expected, JSON.parse) : filled
  }

  #variable(name: string, path: readonly string[]): string {
    const value = this.#env[name]
    if (value !== undefined) return value
    this.missing.push(path)
    this.problems.push({ path, message: `the environment variable ${name} is not set` })
    return ''
  }

  #open(sealed: string, path: readonly string[]): string {
    if (this.#openSealed === undefined) return sealed
    try {
      return this.#openSealed(path.join('.'), sealed)
    } catch (error) {
      this.problems.push({ path, message: error instanceof Error ? error.message : 'the sealed value cannot be opened' })
      return sealed
    }
  }
}
