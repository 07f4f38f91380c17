/** Asks the owner on his terminal about calls that wait, and sends his answer. */
import type * as z from 'zod'
import { exposed } from '../../contracts/errors.ts'
import type { JsonValue } from '../../contracts/json.ts'
import { approvalsResolveResult } from '../../contracts/ws/approvals.ts'
import type { GatewayClient } from '../../net/gateway-client.ts'
import type { Terminal } from '../context.ts'
import { painter, printError } from '../output.ts'
import { understood } from '../understood.ts'
import { ANSWER_HELP, readAnswer, type AnswerLine } from './answer-line.ts'
import { type ApprovalView, questionText, sizeOf, unlockLines, type Unlock } from './question.ts'

export interface Answer {
  readonly id: string
  readonly hash: string
  readonly decision: 'allow' | 'deny'
  readonly unlock?: Unlock
  readonly input?: JsonValue
  readonly note?: string
}

type ReadLine = (prompt: string, prefill?: string) => Promise<string | null>

/** `again`: what waits may have changed. */
export interface Answered {
  readonly how: 'answered' | 'left' | 'again'
}

/** Until all are answered, or he leaves them waiting. */
export async function answerQuestions(io: Terminal, client: GatewayClient, asked: readonly ApprovalView[], readLine: ReadLine, now: number): Promise<Answered> {
  let waiting = asked
  showQuestions(io, waiting, now)
  for (;;) {
    const line = await readLine(promptFor(waiting))
    if (line === null) return { how: 'left' }
    const meant = readAnswer(line, waiting.length)
    if (meant.kind === 'leave') return { how: 'left' }
    const answers = await answersOf(io, meant, waiting, readLine)
    if (answers === null) continue
    try {
      await resolve(client, answers)
    } catch (error) {
      // Somebody else may have answered in the meantime.
      printError(io, exposed(error), false)
      return { how: 'again' }
    }
    for (const answer of answers) io.write(`${painter(io).dim(said(answer, waiting))}\n`)
    waiting = waiting.filter(({ id }) => !answers.some((answer) => answer.id === id))
    if (waiting.length === 0) return { how: 'answered' }
    showQuestions(io, waiting, now)
  }
}

export async function resolve(client: GatewayClient, answers: readonly Answer[]): Promise<z.infer<typeof approvalsResolveResult>['approvals']> {
  return understood(approvalsResolveResult, await client.call('approvals.resolve', { answers })).approvals
}

export function showQuestions(io: Terminal, asked: readonly ApprovalView[], now: number): void {
  for (const [index, approval] of asked.entries()) {
    io.write(`\n${questionText(approval, io, now, { whole: false, ...(asked.length === 1 ? {} : { number: index + 1 }) })}`)
    io.write(`${unlockLines(approval, io).join('\n')}\n`)
  }
}

/** What was done, for people. What was not shown whole is said again. */
export function said({ id, decision, unlock, input }: Answer, asked: readonly ApprovalView[]): string {
  const approval = asked.find((one) => one.id === id)
  if (decision === 'deny') return `denied ${id}`
  const edited = input === undefined ? '' : ', with your arguments'
  const size = approval === undefined || input !== undefined ? null : sizeOf(approval)
  const unseen = size === null || size.isShownWhole ? '' : ` (${size.characters} characters of arguments, sha256 ${size.sha256}; not all of it was shown)`
  return `allowed ${id}, ${unlock ?? 'once'}${edited}${unseen}`
}

function promptFor(waiting: readonly ApprovalView[]): string {
  const letters = { once: 'y', session: 's', destination: 'd', always: 'a' } as const
  const offered = [...new Set(waiting.flatMap(({ unlocks }) => unlocks.map((unlock) => letters[unlock])))]
  return `${waiting.length === 1 ? 'allow?' : `allow 1 to ${waiting.length}?`} [${[...offered, 'n', 'e', '?'].join('/')}] `
}

async function answersOf(io: Terminal, meant: AnswerLine, waiting: readonly ApprovalView[], readLine: ReadLine): Promise<readonly Answer[] | null> {
  const paint = painter(io)
  const say = (text: string) => {
    io.write(`${paint.dim(text)}\n`)
    return null
  }
  if (meant.kind === 'help') return say(ANSWER_HELP.join('\n'))
  if (meant.kind === 'unclear') return say(`${meant.why}; ? says what there is, Enter leaves it waiting`)
  if (meant.kind === 'leave') return null
  const at = (number: number) => waiting.slice(number - 1, number)
  if (meant.kind === 'edit') {
    const [approval] = at(meant.number)
    return approval === undefined ? null : edited(approval, readLine, say)
  }
  const chosen = meant.numbers.flatMap(at)
  if (meant.kind === 'deny') return chosen.map(({ id, hash }) => ({ id, hash, decision: 'deny', ...(meant.note === null ? {} : { note: meant.note }) }))
  const { unlock } = meant
  if (chosen.some(({ unlocks }) => !unlocks.includes(unlock))) return say(`“${unlock}” is not offered ${chosen.length === 1 ? 'here' : 'for all of them'}`)
  return chosen.map(({ id, hash }) => ({ id, hash, decision: 'allow', unlock }))
}

/** One line of JSON. What cannot be seen is escaped in it, so that he edits what is there. */
async function edited({ id, hash, input }: ApprovalView, readLine: ReadLine, say: (text: string) => null): Promise<readonly Answer[] | null> {
  const line = await readLine('arguments: ', escapedJson(input))
  if (line === null || line.trim() === '') return say('unchanged')
  const changed = parseJson(line)
  if (changed === undefined) return say('that is not JSON; nothing was answered')
  return [{ id, hash, decision: 'allow', unlock: 'once', input: changed }]
}

/** JSON in which what cannot be seen is escaped. */
function escapedJson(value: JsonValue): string {
  return JSON.stringify(value).replaceAll(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/gu, (character) =>
    Array.from({ length: character.length }, (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`).join(''),
  )
}

export function parseJson(text: string): JsonValue | undefined {
  try {
    const value: JsonValue = JSON.parse(text)
    return value
  } catch {
    return undefined
  }
}
