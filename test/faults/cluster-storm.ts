/**
 * Three gateways on one PostgreSQL, many conversations, and everything that goes wrong at once: nodes are killed every few seconds and started again, and the way to the database is cut. Each
 * message makes its turn send one message to a platform that counts; what arrives there, in which order, and how long a dead node's turns stand still, is the result.
 */
import { writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import postgres, { type Sql } from 'postgres'
import { connectGateway, type GatewayClient } from '../../src/net/gateway-client.ts'
import { Secret } from '../../src/contracts/secret.ts'
import { startChatModel } from '../doubles/chat-model.ts'
import { cutProxy } from '../doubles/cut-proxy.ts'
import { cleanEnvironment, startProgram, type Program } from '../doubles/gateway-process.ts'
import { startLoopback } from '../doubles/loopback.ts'
import { startPostgres } from '../doubles/postgres-server.ts'

export interface StormOptions {
  readonly conversations: number
  readonly messagesEach: number
  readonly kills: number
  readonly betweenKillsMs: number
  /** How long the database is out of reach, once. */
  readonly cutMs: number
  readonly say: (line: string) => void
}

export interface StormResult {
  readonly messages: number
  readonly kills: number
  /** Accepted and never ended, or ended otherwise than well. */
  readonly lost: number
  /** Effects that the platform had more than once. */
  readonly duplicates: number
  /** The same message delivered again under its key, which the platform put aside. */
  readonly redelivered: number
  /** Conversations whose messages took effect, or stand, in another order than they were accepted in. */
  readonly disordered: number
  /** Milliseconds until a turn of a killed node was carried on by another. */
  readonly takeovers: { readonly count: number; readonly p50: number; readonly p99: number; readonly max: number }
  readonly seconds: number
}

const NODES = 3
const TOKEN = 'a-token-that-every-node-of-the-storm-knows-0123456789'
const AT_ONCE = 40
/** Longer than a lease. */
const HANG_MS = 8000
const GIVE_UP_MS = 15 * 60_000
/** A turn that nobody took up by then counts with this. */
const LOST_MS = 120_000

const chatBody = z.object({ messages: z.array(z.object({ role: z.string(), content: z.unknown() })) })

export async function storm({ conversations, messagesEach, kills, betweenKillsMs, cutMs, say }: StormOptions): Promise<StormResult> {
  const startedAt = performance.now()
  // So that messages come for as long as blows do.
  const pauseMs = (kills * betweenKillsMs + cutMs) / Math.max(1, (conversations * messagesEach) / AT_ONCE)
  const folder = await mkdtemp(join(tmpdir(), 'cara-storm-'))
  const server = await startPostgres()
  const proxy = await cutProxy(server.port)
  const direct = await server.create()
  const url = direct.replace(String(server.port), String(proxy.port))
  const model = await startChatModel(async (body) => {
    const { messages } = chatBody.parse(JSON.parse(body))
    const asked = /c\d+-m\d+/.exec(JSON.stringify(messages.findLast(({ role }) => role === 'user')?.content))?.[0] ?? ''
    // A model takes its time, so that a blow falls in the middle of many turns.
    await sleep(300 + Math.random() * 1200)
    if (messages.at(-1)?.role === 'tool') return { text: [`sent ${asked}`] }
    return { calls: [{ id: 'call_1', name: 'message_send', arguments: JSON.stringify({ to: 'platform', text: asked }) }] }
  })
  /** As a platform with idempotency does: a key that it has seen has no second effect. */
  const keys = new Map<string, string>()
  const effects: string[] = []
  let redelivered = 0
  const platform = await startLoopback(async (request, response) => {
    let body = ''
    for await (const piece of request.setEncoding('utf8')) body += String(piece)
    const text = /c\d+-m\d+/.exec(body)?.[0] ?? body
    const key = String(request.headers['idempotency-key'])
    if (keys.has(key)) redelivered++
    else {
      keys.set(key, text)
      effects.push(text)
    }
    response.end()
  })

  const environment = (index: number) => {
    const home = join(folder, `node-${index}`)
    return cleanEnvironment(home, {
      CARAPACE_GATEWAY_TOKEN: TOKEN,
      CARAPACE_STORE_URL: url,
      CARAPACE_MODEL: 'openai:test',
      OPENAI_BASE_URL: model.baseUrl,
    })
  }
  const config = {
    agent: { maxConcurrentTurns: 32 },
    logging: { level: 'warn' },
    messages: { destinations: { platform: { url: platform.url.href } } },
  }
  const nodes: (Node | null)[] = []
  const fallen: string[] = []
  const start = async (index: number) => {
    const env = environment(index)
    await mkdir(join(folder, `node-${index}`), { recursive: true })
    writeFileSync(env['CARAPACE_CONFIG_PATH'] ?? '', JSON.stringify(config))
    const program = startProgram(env)
    const address = await program.ready()
    nodes[index] = { program, address, client: await clientOf(address) }
    // A blow takes the node off the list first.
    const check = async () => {
      const { code, signal, err } = await program.ended
      if (nodes[index]?.program === program) fallen.push(`node ${index} ended by itself (${code ?? signal}): ${err.slice(-2000)}`)
    }
    void check()
  }
  const connection = postgres(direct, { max: 2, onnotice: () => undefined })
  try {
    await start(0)
    await Promise.all(Array.from({ length: NODES - 1 }, (_, index) => start(index + 1)))
    say(`${NODES} nodes on PostgreSQL, ${conversations} conversations of ${messagesEach} messages`)
    let isOver = false
    const watch = new TakeoverWatch(connection)
    const watching = watch.run(() => isOver)
    const blows = strike()
    const queue = Array.from({ length: conversations }, (_, index) => index)
    await Promise.all(Array.from({ length: AT_ONCE }, () => talk(queue)))
    say(`${conversations * messagesEach} messages accepted after ${seconds(startedAt)} s`)
    await blows
    await settled()
    isOver = true
    await watching
    if (fallen.length > 0) throw new Error(fallen.join('\n'))
    return { ...(await verdict()), takeovers: watch.summary() }

    async function talk(waiting: number[]): Promise<void> {
      for (let own = waiting.shift(); own !== undefined; own = waiting.shift()) {
        for (let number = 0; number < messagesEach; number++) {
          await tell(`c${own}-m${number}`, `conversation-${own}`)
          await sleep(pauseMs * (0.5 + Math.random()))
        }
      }
    }

    /** Until some node has accepted it: the same key makes it the same message. */
    async function tell(text: string, sessionKey: string): Promise<void> {
      for (;;) {
        const node = nodes[Math.floor(Math.random() * NODES)]
        try {
          if (node === null || node === undefined) throw new Error('it is down')
          const accepted = node.client.call('agent', { message: `Send "${text}" to platform`, sessionKey, idempotencyKey: text })
          await Promise.race([accepted, sleep(15_000).then(() => Promise.reject(new Error('no answer')))])
          return
        } catch {
          await sleep(50 + Math.random() * 200)
          if (performance.now() - startedAt > GIVE_UP_MS) throw new Error(`nobody accepted ${text}`)
        }
      }
    }

    async function strike(): Promise<void> {
      for (let blow = 0; blow < kills; blow++) {
        await sleep(betweenKillsMs * (0.5 + Math.random()))
        if (blow === Math.floor(kills / 2)) {
          say(`  ${seconds(startedAt)} s: the way to the database is cut for ${cutMs} ms`)
          proxy.cut()
          await sleep(cutMs)
          proxy.restore()
          await sleep(betweenKillsMs / 2)
        }
        const index = Math.floor(Math.random() * NODES)
        const victim = nodes[index]
        if (victim === null || victim === undefined) continue
        if (blow % 3 === 2) {
          // Not dead: it wakes up when others have its turns, and can keep nothing more of them.
          const { child } = victim.program
          if (!child.kill('SIGSTOP')) continue
          say(`  ${seconds(startedAt)} s: node ${index} hangs with ${await watch.killed(child.pid ?? 0)} turns`)
          await sleep(HANG_MS)
          child.kill('SIGCONT')
          continue
        }
        nodes[index] = null
        victim.program.child.kill('SIGKILL')
        const held = await watch.killed(victim.program.child.pid ?? 0)
        say(`  ${seconds(startedAt)} s: node ${index} is killed with ${held} turns`)
        await victim.program.ended
        await start(index)
      }
    }

    async function settled(): Promise<void> {
      for (;;) {
        const [row] = await connection`SELECT count(*)::int AS open FROM turns WHERE finished = 0`
        if (Number(row?.['open']) === 0) return
        if (performance.now() - startedAt > GIVE_UP_MS) return
        await sleep(200)
      }
    }

    async function verdict(): Promise<Omit<StormResult, 'takeovers'>> {
      const messages = conversations * messagesEach
      const turns = await connection`SELECT turns.id, request, result, finished::int AS finished FROM turns`
      const ended = turns.filter((row) => row['finished'] === 1 && String(row['result']).includes('"status":"completed"')).length
      const counts = new Map<string, number>()
      for (const text of effects) counts.set(text, (counts.get(text) ?? 0) + 1)
      const all = Array.from({ length: conversations }, (_, own) => Array.from({ length: messagesEach }, (_unused, number) => `c${own}-m${number}`))
      const missing = all.flat().filter((text) => !counts.has(text))
      const lost = Math.max(messages - ended, missing.length)
      if (lost > 0) say(`  missing at the platform: ${missing.join(' ')}; turns: ${turns.length}, completed: ${ended}`)
      const told = await connection`SELECT key, data FROM entries JOIN sessions ON sessions.id = session_id WHERE kind = 'user' ORDER BY entries.id`
      const lines = new Map<string, string[]>()
      for (const row of told) {
        const key = String(row['key'])
        lines.set(key, [...(lines.get(key) ?? []), /c\d+-m\d+/.exec(String(row['data']))?.[0] ?? ''])
      }
      const disordered = all.filter((texts, own) => {
        const arrived = [...new Set(effects.filter((text) => text.startsWith(`c${own}-`)))]
        return arrived.join() !== texts.join() || (lines.get(`conversation-${own}`) ?? []).join() !== texts.join()
      }).length
      const duplicates = [...counts.values()].reduce((sum, count) => sum + count - 1, 0)
      return { messages, kills, lost, duplicates, redelivered, disordered, seconds: Number(seconds(startedAt)) }
    }
  } finally {
    for (const node of nodes) {
      await node?.client.close().catch(() => undefined)
      await node?.program.kill()
    }
    await connection.end()
    await proxy.close()
    await server.stop()
    await model.close()
    await platform.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** How long turns of a killed node stand still: until another holds them. What a node that only hung goes on with itself was never taken over. */
class TakeoverWatch {
  readonly #sql: Sql
  readonly #waiting = new Map<string, { readonly fence: number; readonly owner: string; readonly since: number }>()
  readonly #times: number[] = []

  constructor(sql: Sql) {
    this.#sql = sql
  }

  /** Returns how many turns it held. */
  async killed(pid: number): Promise<number> {
    const since = performance.now()
    const rows = await this.#sql`SELECT turns.id, owner, fence::int AS fence FROM turns JOIN nodes ON nodes.id = owner WHERE pid = ${pid} AND finished = 0`
    for (const row of rows) this.#waiting.set(String(row['id']), { fence: Number(row['fence']), owner: String(row['owner']), since })
    return rows.length
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver() || this.#waiting.size > 0) {
      await sleep(50)
      if (this.#waiting.size === 0) continue
      const rows =
        await this.#sql`SELECT id, owner, fence::int AS fence, finished::int AS finished FROM turns WHERE id IN ${this.#sql([...this.#waiting.keys()])}`
      for (const row of rows) {
        const id = String(row['id'])
        const turn = this.#waiting.get(id)
        if (turn === undefined) continue
        const isRaised = Number(row['fence']) > turn.fence
        const isTaken = isRaised && row['owner'] !== turn.owner
        if (isTaken) this.#times.push(performance.now() - turn.since)
        // What ended under the old fence had been sent before the blow.
        if (isRaised || Number(row['finished']) === 1) this.#waiting.delete(id)
        else if (performance.now() - turn.since > LOST_MS) {
          this.#times.push(LOST_MS)
          this.#waiting.delete(id)
        }
      }
    }
  }

  summary(): StormResult['takeovers'] {
    const times = this.#times.toSorted((a, b) => a - b).map(Math.round)
    const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
    return { count: times.length, p50: at(0.5), p99: at(0.99), max: times.at(-1) ?? 0 }
  }
}

interface Node {
  readonly program: Program
  readonly address: string
  readonly client: GatewayClient
}

const clientOf = (url: string) => connectGateway({ url, token: new Secret(TOKEN), version: 'storm', signal: AbortSignal.timeout(20_000) })
const seconds = (since: number) => ((performance.now() - since) / 1000).toFixed(1)
