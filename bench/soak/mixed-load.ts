/** What an owner does in a day, in seconds: one kind of request after the other at a given pace, several at once. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import type { Gateway } from '../support/servers.ts'
import { askOverSocket } from './socket.ts'

const MOST_AT_ONCE = 24
const SESSIONS = 40
const MOST_PROBLEMS = 20
const ASK_MS = 60_000
const LOOK_MS = 500

type Ask = (number: number) => Promise<void>

export interface MixedLoad {
  /** Milliseconds of what ended since the last call. */
  readonly takeLatencies: () => readonly number[]
  readonly counts: () => Readonly<Record<string, number>>
  readonly problems: () => readonly string[]
  /** From now on so many begin each second. */
  readonly pace: (perSecond: number) => void
  /** Resolves when the last request has ended. */
  readonly stop: () => Promise<void>
}

export interface MixedLoadOptions {
  readonly gateway: Gateway
  /** Folder that the file tools may write. */
  readonly files: string
  readonly perSecond: number
}

const questions = z.object({ approvals: z.array(z.object({ id: z.string(), hash: z.string(), tool: z.string() })) })
const completion = z.object({ choices: z.tuple([z.object({ message: z.object({ content: z.string() }) })]) })

export function mixedLoad({ gateway, files, perSecond: atFirst }: MixedLoadOptions): MixedLoad {
  let perSecond = atFirst
  const base = `http://127.0.0.1:${gateway.port}`
  const headers = { authorization: `Bearer ${gateway.token}`, 'content-type': 'application/json' }
  const post = (path: string, body: unknown, more: Readonly<Record<string, string>> = {}) =>
    fetch(`${base}${path}`, { method: 'POST', headers: { ...headers, ...more }, body: JSON.stringify(body), signal: AbortSignal.timeout(ASK_MS) })

  async function complete(model: string, content: string, session?: string): Promise<void> {
    const answer = await post(
      '/v1/chat/completions',
      { model: `openai:${model}`, messages: [{ role: 'user', content }] },
      session === undefined ? {} : { 'x-carapace-session': session },
    )
    const text = await answer.text()
    if (answer.status !== 200) throw new Error(`${answer.status} ${text.slice(0, 200)}`)
    if (completion.parse(JSON.parse(text)).choices[0].message.content === '') throw new Error('an answer without text')
  }
  const call = (tool: string, input: object, session: string) => complete('tools', `call ${tool} ${JSON.stringify(input)}`, session)

  const kinds: Readonly<Record<string, Ask>> = {
    plain: () => complete('short', 'Say hello to the people who read this.'),
    async stream() {
      const answer = await post('/v1/chat/completions', { model: 'openai:long', stream: true, messages: [{ role: 'user', content: 'Tell me a story.' }] })
      if (!(await answer.text()).endsWith('data: [DONE]\n\n')) throw new Error('a stream was cut')
    },
    talk: (number) => complete('short', `What of number ${number}? ${'And then what? '.repeat(number % 20)}`, `talk-${number % SESSIONS}`),
    socket: (number) =>
      askOverSocket(gateway, 'chat.send', {
        message: `Message ${number} over the socket`,
        sessionKey: `socket-${number % SESSIONS}`,
        idempotencyKey: `soak-${number}`,
        wait: true,
      }),
    write: (number) => call('file_write', { path: join(files, `note-${number % 200}.txt`), content: `Line ${number}\n`.repeat(20) }, `files-${number % 8}`),
    read: (number) => call('directory_list', { path: files }, `reading-${number % 8}`),
    remember: (number) => call('memory_write', { key: `fact-${number % 200}`, value: `The value of today is ${number}.` }, `memory-${number % 8}`),
    message: (number) => call('message_send', { to: 'desk', text: `This is message number ${number}.` }, `messages-${number % 8}`),
    question: (number) => call('exec', { argv: ['true'] }, `questions-${number % 8}`),
    async wrong(number) {
      const answer = await [
        () => post('/v1/chat/completions', { messages: 'none' }),
        () => post('/nowhere', {}),
        () => post('/v1/chat/completions', { model: 'none:none', messages: [{ role: 'user', content: 'x' }] }),
      ][number % 3]?.()
      await answer?.text()
      if (answer === undefined || answer.status < 400 || answer.status >= 500) throw new Error(`a wrong request was answered with ${answer?.status}`)
    },
  }
  /** Often what is often done. */
  const turns = ['plain', 'stream', 'talk', 'socket', 'plain', 'write', 'talk', 'message', 'plain', 'remember', 'stream', 'question', 'talk', 'read', 'wrong']

  const ending = new AbortController()
  const counts: Record<string, number> = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, 0]))
  const problems: string[] = []
  const running = new Set<Promise<void>>()
  let latencies: number[] = []

  async function one(kind: string, ask: Ask, number: number): Promise<void> {
    const startedAt = performance.now()
    try {
      await ask(number)
      counts[kind] = (counts[kind] ?? 0) + 1
    } catch (error) {
      if (problems.length < MOST_PROBLEMS) problems.push(`${kind} ${number}: ${error instanceof Error ? error.message : String(error)}`)
    }
    latencies.push(performance.now() - startedAt)
  }

  async function askOn(): Promise<void> {
    const begun = new Map<string, number>()
    for (let turn = 0; !ending.signal.aborted; turn++) {
      const kind = turns[turn % turns.length] ?? 'plain'
      const number = begun.get(kind) ?? 0
      begun.set(kind, number + 1)
      const ask = kinds[kind]
      if (ask === undefined) throw new Error(`nothing is done for ${kind}`)
      const asked = one(kind, ask, number)
      running.add(asked)
      void asked.then(() => running.delete(asked))
      await sleep(1000 / perSecond)
      if (running.size >= MOST_AT_ONCE) await Promise.race(running)
    }
  }

  /** The owner at the other end: allows every second command, and every message (one is asked about when its conversation has been summarised). */
  async function answerOn(): Promise<void> {
    for (let count = 0; !ending.signal.aborted || running.size > 0;) {
      const { approvals } = questions.parse(await (await fetch(`${base}/v1/approvals?status=pending`, { headers })).json())
      const answers = approvals.map(({ id, hash, tool }) => ({ id, hash, decision: tool === 'exec' && count++ % 2 === 1 ? 'deny' : 'allow' }))
      if (answers.length > 0) await (await post('/v1/approvals/resolve', { answers })).text()
      await sleep(LOOK_MS)
    }
  }

  /** Jobs that the clock starts: a heartbeat, and work that writes. */
  async function schedule(): Promise<void> {
    const job = { schedule: { every: '1m' }, model: 'openai:tools' }
    await askOverSocket(gateway, 'cron.add', { ...job, name: 'beat', kind: 'heartbeat', prompt: 'Is anything new?' })
    await askOverSocket(gateway, 'cron.add', { ...job, name: 'note', prompt: 'call memory_write {"key":"job","value":"It ran."}' })
  }

  const ended = Promise.all([schedule(), askOn(), answerOn()])
  ended.catch((error: unknown) => problems.push(`the load itself failed: ${String(error)}`))
  return {
    takeLatencies() {
      const taken = latencies
      latencies = []
      return taken
    },
    counts: () => counts,
    problems: () => problems,
    pace(next) {
      perSecond = next
    },
    async stop() {
      ending.abort()
      await Promise.allSettled(running)
      await ended.catch(() => undefined)
    },
  }
}
