/** How commands print. Text that others wrote (models, tools, files, servers) goes through `clean`, so that it cannot steer the terminal. */
import type { AppError } from '../contracts/errors.ts'
import type { Terminal } from './context.ts'

/** Control characters but tab and newline, and the marks that reorder or hide text. Without its ESC, a terminal sequence is only odd text. */
// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g

export function clean(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(UNSAFE, '')
}

/** A reply as a terminal shows it: the gateway writes `&lt;` for the `<` of a tag, so that no page runs it. */
export function replyText(text: string): string {
  return clean(text).replaceAll(/&lt;(?=[A-Za-z/!?])/g, '<')
}

/** For cells and headings: one line, at most `limit` characters. */
export function oneLine(text: string, limit = 200): string {
  const line = clean(text).replaceAll(/\s+/g, ' ').trim()
  return line.length > limit ? `${line.slice(0, limit - 1)}…` : line
}

export function printJson(io: Terminal, value: unknown): void {
  io.write(`${safeJson(value, 2)}\n`)
}

/** JSON whose strings hold no raw control character, C1 included. */
export function safeJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent) ?? 'null'
  return text.replace(indent === undefined ? UNSAFE_IN_LINE : UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

// oxlint-disable-next-line no-control-regex -- see above
const UNSAFE_IN_LINE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g

export function printError(io: Terminal, error: Pick<AppError, 'code' | 'message' | 'hint'>, asJson: boolean): void {
  if (asJson) {
    io.writeError(`${safeJson({ error: { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) } })}\n`)
    return
  }
  const paint = painter(io)
  io.writeError(`${paint.red('error:')} ${clean(error.message)}\n`)
  if (error.hint !== undefined) io.writeError(`${paint.dim('next:')}  ${clean(error.hint)}\n`)
}

export type Paint = Readonly<Record<'bold' | 'dim' | 'italic' | 'underline' | 'red' | 'green' | 'yellow' | 'cyan', (text: string) => string>>

export function painter(io: Pick<Terminal, 'color'>): Paint {
  const code = (on: number, off: number) => (text: string) => (io.color && text !== '' ? `\u001b[${on}m${text}\u001b[${off}m` : text)
  return {
    bold: code(1, 22),
    dim: code(2, 22),
    italic: code(3, 23),
    underline: code(4, 24),
    red: code(31, 39),
    green: code(32, 39),
    yellow: code(33, 39),
    cyan: code(36, 39),
  }
}

/** Left-aligned columns under a heading; every cell on one line. */
export function table(io: Terminal, heading: readonly string[], rows: readonly (readonly string[])[]): void {
  const cells = rows.map((row) => row.map((cell) => oneLine(cell, 80)))
  const widths = heading.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  io.write(`${painter(io).dim(line(heading))}\n`)
  for (const row of cells) io.write(`${line(row)}\n`)
}

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`
  return count < 1024 * 1024 ? `${(count / 1024).toFixed(1)} kB` : `${(count / 1024 / 1024).toFixed(1)} MB`
}

export function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

export function dollars(amount: number | null): string {
  return amount === null ? 'price unknown' : `$${amount === 0 ? '0' : amount.toFixed(amount < 0.01 ? 6 : 4)}`
}

export function time(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').slice(0, 19)
}

/** To the minute, as clocks of the zone show it. */
export function timeIn(zone: string, ms: number): string {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' })
  return format.format(ms)
}
