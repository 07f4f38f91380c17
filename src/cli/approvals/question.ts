/** A question of the guard as people see it: what, where to, with which data, why it was held, where the value came from, what each answer means, and when it expires. */
import { createHash } from 'node:crypto'
import type * as z from 'zod'
import type { approvalView } from '../../contracts/ws/approvals.ts'
import { visibleText } from '../../std/visible-text.ts'
import type { Terminal } from '../context.ts'
import { oneLine, painter, seconds, time, type Paint } from '../output.ts'
import { framed, framedClean } from './framed.ts'

export type ApprovalView = z.infer<typeof approvalView>
export type Unlock = ApprovalView['unlocks'][number]

/** Lines of arguments beside an answer line; `cara approvals show` prints all. */
const SHORT_LINES = 40

const EFFECTS: Readonly<Record<ApprovalView['effect'], string>> = {
  read: 'only reads',
  write: 'changes your own data',
  egress: 'sends something outside',
  irreversible: 'cannot be taken back',
}

export function unlockMeaning(unlock: Unlock, { tool, destinations }: ApprovalView): string {
  const name = oneLine(tool, 64)
  if (unlock === 'once') return 'this call, and no other'
  if (unlock === 'session') return `${name} with the same destinations and objects, in this conversation`
  if (unlock === 'destination') return `${places(destinations)} counts as yours from now on, for every tool and in every conversation`
  return `calls of ${name} of this shape never ask again`
}

/** `whole`: every byte of the arguments; otherwise what does not fit is counted, with the hash of all. `number`: where several are asked together. */
export function questionText(
  approval: ApprovalView,
  io: Pick<Terminal, 'color' | 'columns'>,
  now: number,
  more: { readonly whole: boolean; readonly number?: number },
): string {
  const paint = painter(io)
  const { tool, effect, destinations, shown, holds, hash, id } = approval
  const { columns } = io
  const lines = [
    paint.bold(`${more.number === undefined ? '?' : `[${more.number}]`} ${oneLine(tool, 64)} ${stateOf(approval)}`),
    row(paint, 'does', EFFECTS[effect]),
  ]
  const section = (name: string, framedLines: readonly string[], beside = '') => {
    if (framedLines.length > 0) lines.push(row(paint, name, beside), ...framedLines)
  }
  section(
    'to',
    destinations.flatMap((each) => framed(each, columns)),
  )
  section(
    'that is',
    shown.flatMap((line) => framedClean(line, columns)),
  )
  section('with', argumentLines(approval, columns, more.whole))
  if (approval.binding !== null) section('as long as', cut(framed(JSON.stringify(approval.binding, null, 1), columns), more.whole, id, 'facts'))
  for (const { rule, why, evidence } of holds) {
    section('held by', framed(why, columns), oneLine(rule, 64))
    if (evidence !== '') section('from', framed(evidence, columns))
  }
  lines.push(row(paint, 'id', `${oneLine(id, 80)}  sha256 ${hash.slice(0, 16)}`))
  if (approval.status === 'pending') lines.push(row(paint, 'expires', `${time(approval.expiresAt)} UTC, in ${span(approval.expiresAt - now)}`))
  else lines.push(...decisionLines(approval, paint))
  return `${lines.join('\n')}\n`
}

/** What each answer means, the smallest first. */
export function unlockLines(approval: ApprovalView, io: Pick<Terminal, 'color'>): readonly string[] {
  const paint = painter(io)
  return approval.unlocks.map((unlock) => row(paint, unlock, unlockMeaning(unlock, approval)))
}

/** How large the arguments are, for whoever allows them. */
export function sizeOf({ input }: ApprovalView): { readonly characters: number; readonly sha256: string; readonly isShownWhole: boolean } {
  const text = JSON.stringify(input)
  return {
    characters: text.length,
    sha256: createHash('sha256').update(text).digest('hex'),
    isShownWhole: framed(JSON.stringify(input, null, 1), 80).length <= SHORT_LINES,
  }
}

function argumentLines(approval: ApprovalView, columns: number, whole: boolean): readonly string[] {
  return cut(framed(JSON.stringify(approval.input, null, 1), columns), whole, approval.id, 'arguments', sizeOf(approval))
}

/** Never without a word. */
function cut(
  lines: readonly string[],
  whole: boolean,
  id: string,
  what: string,
  size?: { readonly characters: number; readonly sha256: string },
): readonly string[] {
  if (whole || lines.length <= SHORT_LINES) return lines
  const all = size === undefined ? '' : ` of ${size.characters} characters, sha256 ${size.sha256}`
  return [...lines.slice(0, SHORT_LINES), `    ${lines.length - SHORT_LINES} more lines of the ${what}${all}: cara approvals show ${oneLine(id, 80)}`]
}

function stateOf({ status }: ApprovalView): string {
  return status === 'pending' ? 'wants your word' : status
}

function decisionLines({ decision }: ApprovalView, paint: Paint): readonly string[] {
  if (decision === null) return []
  const { at, by, door, unlock, note, input } = decision
  return [
    row(
      paint,
      'decided',
      `${time(at)} UTC by ${oneLine(by, 80)} over ${oneLine(door, 40)}${unlock === null ? '' : `, ${unlock}`}${input === null ? '' : ', with other arguments'}`,
    ),
    ...(note === null ? [] : [row(paint, 'note', visibleText(note, 2000))]),
  ]
}

function row(paint: Paint, name: string, text: string): string {
  return text === '' ? `  ${paint.dim(name)}` : `  ${paint.dim(name.padEnd(11))} ${text}`
}

function places(destinations: readonly string[]): string {
  return destinations.map((each) => JSON.stringify(visibleText(each, 200))).join(', ')
}

function span(ms: number): string {
  if (ms < 60_000) return seconds(Math.max(0, ms))
  const minutes = Math.round(ms / 60_000)
  if (minutes < 120) return `${minutes} min`
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`
}
