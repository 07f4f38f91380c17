/** What surviving costs: whole turns with their journal against the raw commits of the same database, taking up what a crash left, and what a turn that waits for the owner holds. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Approval } from '../src/contracts/approval.ts'
import { OWNER } from '../src/contracts/origin.ts'
import { NO_TAINT, type JournalStep, type Store } from '../src/contracts/store.ts'
import type { InboundMessage, TurnResult } from '../src/contracts/turn.ts'
import { NO_USAGE } from '../src/contracts/usage.ts'
import { openStore } from '../src/store/open-store.ts'
import { openSqlite } from '../src/store/sqlite-database.ts'
import { cleared } from '../test/doubles/cleared.ts'
import { says, scriptedProvider } from '../test/doubles/scripted-provider.ts'
import { testGateway } from '../test/doubles/test-gateway.ts'
import type { Bench } from './support/bench.ts'
import { atLeastTimes, atMost } from './support/figure.ts'

const AT_ONCE = 16
const INTERRUPTED = 1000
/** Patience, not a bar. */
const RECOVERY_MS = 60_000
const WAITING = 10_000
/** As long as the rows of a short turn. */
const ROW = 'x'.repeat(400)
const CALL = { type: 'tool-call', callId: 'c1', tool: 'math_eval', input: { expression: '6*7' } } as const
const CALL_STEPS: readonly JournalStep[] = [
  { kind: 'assistant', message: { role: 'assistant', parts: [CALL] }, usage: NO_USAGE, model: 'fake:model' },
  { kind: 'tool-intent', callId: 'c1', tool: 'math_eval', effectId: 'x'.repeat(22) },
  {
    kind: 'tool-result',
    message: { role: 'tool', parts: [{ type: 'tool-result', callId: 'c1', tool: 'math_eval', output: '42', isError: false, origin: OWNER }] },
    ms: 1,
  },
]
const REPLY = { role: 'assistant', parts: [{ type: 'text', text: 'Fine, thank you.', origin: OWNER }] } as const
const RESULT: Omit<TurnResult, 'turnId'> = {
  sessionKey: 'bench',
  status: 'completed',
  text: 'Fine, thank you.',
  finishReason: 'stop',
  clientToolCalls: [],
  toolCalls: [],
  model: 'fake:model',
  usage: { ...NO_USAGE, inputTokens: 10, outputTokens: 5 },
  costUsd: null,
  durationMs: 1,
}
const LEFT = { owner: 'run_0', until: 0 }

export const ledger: Bench = {
  name: 'ledger',
  title: 'Turns that survive (SQLite, every commit flushed)',
  async run({ quick }) {
    const folder = await mkdtemp(join(tmpdir(), 'carapace-ledger-'))
    try {
      const seconds = quick ? 2 : 6
      // In turns, so that a machine that grows slower meanwhile is slower for both.
      const ms = seconds * 250
      const rates = {
        raw: [] as number[],
        shared: [] as number[],
        oneJournal: [] as number[],
        journals: [] as number[],
        withCall: [] as number[],
        turns: [] as number[],
      }
      for (let round = 0; round < 3; round++) {
        const at = (name: string) => join(folder, `${name}-${round}`)
        rates.raw.push(rawRate(at('raw'), ms))
        rates.oneJournal.push(await journalRate(at('journal'), ms, 1, false))
        rates.shared.push(await sharedRate(at('shared'), ms))
        rates.journals.push(await journalRate(at('journals'), ms, AT_ONCE, false))
        rates.withCall.push(await journalRate(at('calls'), ms, AT_ONCE, true))
        rates.turns.push(await turnRate(at('turns'), ms))
      }
      const best = (all: readonly number[]) => Math.max(...all)
      const reference = { name: 'raw commits', value: best(rates.raw) }
      const bar = atLeastTimes(0.25)
      return [
        { name: 'journals of turns, one after the other', value: best(rates.oneJournal), unit: 'turns/s', reference, bar },
        { name: `journals of turns, ${AT_ONCE} conversations at once`, value: best(rates.journals), unit: 'turns/s', reference, bar },
        { name: 'the same with a tool call (5 commits)', value: best(rates.withCall), unit: 'turns/s', reference, bar },
        { name: `whole turns through the gateway, ${AT_ONCE} conversations at once`, value: best(rates.turns), unit: 'turns/s', reference, bar },
        { name: `single rows that share commits, ${AT_ONCE} at once`, value: best(rates.shared), unit: 'rows/s', reference },
        { name: `${INTERRUPTED.toLocaleString('en')} interrupted turns until all have ended`, value: await recoveryMs(join(folder, 'left')), unit: 'ms' },
        { name: 'one of 10,000 turns that wait for the owner', value: await waitingBytes(join(folder, 'waiting')), unit: 'bytes', bar: atMost(2048) },
      ]
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

const TABLE = 'CREATE TABLE rows (id INTEGER PRIMARY KEY, data TEXT NOT NULL)'

/** What the database does by itself: one row to a commit, one commit after the other, each flushed by SQLite before it returns. */
function rawRate(path: string, ms: number): number {
  const connection = new DatabaseSync(path)
  connection.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; ${TABLE}`)
  const insert = connection.prepare('INSERT INTO rows (data) VALUES (?)')
  const startedAt = performance.now()
  let commits = 0
  for (; performance.now() - startedAt < ms; commits++) insert.run(ROW)
  const rate = (commits * 1000) / (performance.now() - startedAt)
  connection.close()
  return rate
}

/** How far commits can be shared: the least that a turn could cost, were it one row. */
async function sharedRate(path: string, ms: number): Promise<number> {
  const database = openSqlite({ path, synchronous: 'full' })
  await database.commit([{ sql: TABLE, params: [] }])
  const rate = await perSecond(ms, AT_ONCE, () => database.commit([{ sql: 'INSERT INTO rows (data) VALUES ($1)', params: [ROW] }]))
  await database.close()
  return rate
}

/** What the gateway writes for a turn, step by step, and nothing else of it. */
async function journalRate(path: string, ms: number, atOnce: number, hasCall: boolean): Promise<number> {
  const store = await openStore({ path, synchronous: 'full' })
  let turns = 0
  const rate = await perSecond(ms, atOnce, async (worker) => {
    const now = Date.now()
    const { turnId, request, sessionId, durable } = await accept(store, turns++, `bench-${worker}`)
    await durable()
    const held = { turnId, sessionId, fence: 1 }
    if (hasCall) for (const step of CALL_STEPS) await store.turns.append(held, [step], now)
    await store.turns.finish({ ...held, request, reply: REPLY, replyTokens: 5, result: { ...RESULT, turnId }, taint: NO_TAINT, now: now + turns })
  })
  await store.close()
  return rate
}

async function turnRate(folder: string, ms: number): Promise<number> {
  const cara = await openGateway(folder)
  const rate = await perSecond(ms, AT_ONCE, (worker) => cara.ask('How are you?', { sessionKey: `bench-${worker}-${Math.floor(performance.now() / 250)}` }))
  await cara.crash()
  return rate
}

async function recoveryMs(folder: string): Promise<number> {
  await mkdir(folder)
  const store = await openStore({ path: join(folder, 'carapace.db'), synchronous: 'normal' })
  for (let index = 0; index < INTERRUPTED; index++) {
    const { turnId, sessionId } = await accept(store, index)
    await store.turns.append(
      { turnId, sessionId, fence: 1 },
      [{ kind: 'assistant', message: { role: 'assistant', parts: [CALL] }, usage: NO_USAGE, model: 'fake:model' }],
      index,
    )
  }
  await store.close()
  const cara = await openGateway(folder)
  const startedAt = performance.now()
  await cara.recover()
  while (cara.gateway.status().finishedTurns < INTERRUPTED) {
    if (performance.now() - startedAt > RECOVERY_MS) throw new Error(`only ${cara.gateway.status().finishedTurns} of ${INTERRUPTED} turns were recovered`)
    await sleep(2)
  }
  const ms = performance.now() - startedAt
  await cara.crash()
  return ms
}

/** Of the heap, beside what the same gateway needs without them. */
async function waitingBytes(folder: string): Promise<number> {
  await mkdir(folder)
  const store = await openStore({ path: join(folder, 'carapace.db'), synchronous: 'normal' })
  for (let index = 0; index < WAITING; index++) {
    const { turnId, sessionId } = await accept(store, index)
    await store.approvals.ask({ turnId, fence: 1 }, [question(turnId, sessionId, index)], WAITING)
  }
  await store.close()
  const cara = await openGateway(folder)
  const before = heapBytes()
  await cara.recover()
  const bytes = (heapBytes() - before) / WAITING
  await cara.crash()
  return bytes
}

async function openGateway(folder: string) {
  await mkdir(folder, { recursive: true })
  return testGateway({
    providers: [scriptedProvider('fake', () => says('Fine, thank you.'))],
    folder,
    openStore: (path) => openStore({ path, synchronous: 'full' }),
  })
}

async function accept(store: Store, index: number, sessionKey = `session-${index}`) {
  const turnId = `turn_${index}`
  const parts = [{ type: 'text', text: 'How are you?', origin: OWNER }] as const
  const request: InboundMessage = { door: 'bench', sender: { kind: 'owner' }, sessionKey, parts, options: {} }
  const { sessionId, durable } = await store.turns.accept({ turnId, request: cleared(request), now: index, queued: false, lease: LEFT })
  return { turnId, request, sessionId, durable }
}

function question(turnId: string, sessionId: string | null, index: number): Approval {
  return {
    id: `apr_${index}`,
    turnId,
    sessionId,
    sessionKey: null,
    group: `${turnId}.1`,
    callId: 'c1',
    tool: 'message_send',
    input: { to: 'team-chat', text: 'hello' },
    binding: null,
    hash: 'a'.repeat(64),
    effectId: `effect_${index}`,
    effect: 'egress',
    destinations: ['team-chat'],
    shown: [],
    holds: [{ rule: 'destinationsKnown', why: 'it is not known', evidence: 'a page' }],
    unlocks: ['once'],
    status: 'pending',
    createdAt: index,
    expiresAt: Number.MAX_SAFE_INTEGER,
    decision: null,
  }
}

async function perSecond(ms: number, atOnce: number, work: (worker: number) => Promise<unknown>): Promise<number> {
  let done = 0
  const startedAt = performance.now()
  const until = startedAt + ms
  await Promise.all(
    Array.from({ length: atOnce }, async (_, worker) => {
      for (; performance.now() < until; done++) await work(worker)
    }),
  )
  return (done * 1000) / (performance.now() - startedAt)
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect === 'function') for (let time = 0; time < 3; time++) Reflect.apply(collect, undefined, [])
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
