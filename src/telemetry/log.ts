/**
 * JSON lines: `{"time","level","event",…fields}`. Every line is redacted as a whole, then capped at 8 KiB and kept in a ring for `logs.tail`; the file gets it within
 * 100 ms, at once when the level is `error`. Our own writer: a logging package cost 15 ms of start time when bundled, as much as half of a bare start.
 */
import type { Log, LogFields, LogTail, SecretRegistry } from '../contracts/log.ts'
import { LogFile } from './log-file.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface LogOptions {
  readonly level: LogLevel
  /** Absent: the ring alone. */
  readonly file: string | null
  readonly maxFileBytes: number
  readonly secrets: SecretRegistry
  readonly now?: () => number
}

export interface LogWriter {
  readonly log: Log
  readonly tail: LogTail
  readonly flush: () => void
  /** Flushes; lines after it go to the ring only. */
  readonly close: () => void
  /** From now on. */
  setLevel(level: LogLevel): void
}

const SEVERITY: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }
const RING_LINES = 1000
const MAX_LINE_BYTES = 8192
const MAX_STRING = 4096
const MAX_ITEMS = 64
const FLUSH_MS = 100
const FLUSH_BYTES = 16_384
const MAX_FOLLOWERS = 64

export function createLog(options: LogOptions): LogWriter {
  const ring = new Ring()
  const buffer = new Buffered(options.file === null ? null : new LogFile(options.file, options.maxFileBytes))
  const format = createFormat(options.secrets)
  const now = options.now ?? Date.now
  let least = SEVERITY[options.level]

  const logger = (bindings: LogFields): Log => {
    const write = (level: LogLevel) => (event: string, fields?: LogFields) => {
      if (SEVERITY[level] < least) return
      const line = format(new Date(now()).toISOString(), level, event, { ...bindings, ...fields })
      ring.push(line)
      buffer.push(line)
      if (level === 'error') buffer.flush()
    }
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: (more) => logger({ ...bindings, ...more }),
    }
  }
  const setLevel = (level: LogLevel) => void (least = SEVERITY[level])
  return { log: logger({}), setLevel, tail: ring, flush: () => buffer.flush(), close: () => buffer.close() }
}

/** Gives the text of a line. Never throws, whatever the fields hold. */
function createFormat(secrets: SecretRegistry): (time: string, level: LogLevel, event: string, fields: LogFields) => string {
  const replacer = (_key: string, value: unknown): unknown => {
    if (typeof value === 'string') return value.length > MAX_STRING ? `${secrets.redact(value).slice(0, MAX_STRING)}…` : value
    if (typeof value === 'bigint') return value.toString()
    if (Array.isArray(value) && value.length > MAX_ITEMS) return [...value.slice(0, MAX_ITEMS), `… ${value.length - MAX_ITEMS} more`]
    return value instanceof Error ? describeError(value) : value
  }
  return (time, level, event, fields) => {
    const head = { time, level, event }
    const line = finish(secrets, stringify({ ...head, ...fields, ...head }, replacer) ?? stringify({ ...head, unprintable: true }, replacer) ?? '{}')
    if (Buffer.byteLength(line) <= MAX_LINE_BYTES) return line
    // The text inside grows by escaping at most twofold.
    return finish(secrets, JSON.stringify({ ...head, event: event.slice(0, 128), truncated: true, text: line.slice(0, 2500) }))
  }
}

function stringify(value: unknown, replacer: (key: string, value: unknown) => unknown): string | null {
  try {
    return JSON.stringify(value, replacer)
  } catch {
    return null
  }
}

/** Redacts, and escapes what could steer a terminal or turn text around: JSON leaves these as they are. */
function finish(secrets: SecretRegistry, line: string): string {
  return secrets
    .redact(line)
    .replace(/[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function describeError(error: Error): LogFields {
  const code = 'code' in error ? error.code : undefined
  return { name: error.name, message: error.message, ...(code === undefined ? {} : { code }), stack: error.stack, ...cause(error) }
}

function cause(error: Error): LogFields {
  return error.cause === undefined ? {} : { cause: error.cause instanceof Error ? error.cause.message : typeof error.cause }
}

class Ring implements LogTail {
  readonly #lines: string[] = []
  #next = 0
  readonly #followers = new Set<(line: string) => void>()

  push(line: string): void {
    this.#lines[this.#next] = line
    this.#next = (this.#next + 1) % RING_LINES
    for (const follower of this.#followers) {
      try {
        follower(line)
      } catch {
        this.#followers.delete(follower)
      }
    }
  }

  tail(lines: number): readonly string[] {
    const ordered = this.#lines.length < RING_LINES ? this.#lines : [...this.#lines.slice(this.#next), ...this.#lines.slice(0, this.#next)]
    return lines <= 0 ? [] : ordered.slice(-lines)
  }

  follow(listener: (line: string) => void): () => void {
    // The oldest follower gives way: whoever forgets to stop following must not fill the memory.
    const oldest = this.#followers.size >= MAX_FOLLOWERS ? this.#followers.values().next().value : undefined
    if (oldest !== undefined) this.#followers.delete(oldest)
    const own = (line: string) => listener(line)
    this.#followers.add(own)
    return () => this.#followers.delete(own)
  }
}

class Buffered {
  #file: LogFile | null
  #lines: string[] = []
  #length = 0
  #timer: NodeJS.Timeout | null = null

  constructor(file: LogFile | null) {
    this.#file = file
  }

  push(line: string): void {
    if (this.#file === null) return
    this.#lines.push(line)
    this.#length += line.length
    if (this.#length >= FLUSH_BYTES) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS).unref()
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#lines.length === 0) return
    const lines = this.#lines
    this.#lines = []
    this.#length = 0
    this.#file?.append(Buffer.from(`${lines.join('\n')}\n`), lines.length)
  }

  close(): void {
    this.flush()
    this.#file?.close()
    this.#file = null
  }
}
