/**
 * Messages on their way out, with the process killed at every write and at every moment of every request, and every write failing: nothing that was accepted is lost, nothing arrives
 * twice where the receiver knows keys, no repeat is unmarked where it does not, and the order holds.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { startLoopback } from '../doubles/loopback.ts'
import { openOutbox } from '../doubles/open-outbox.ts'
import { longText } from './long-text.ts'
import { failingDatabase, type Failure } from './failing-database.ts'

type Format = 'json' | 'discord'

interface Post {
  readonly key: string
  readonly text: string
}

type Moment = (count: number) => Promise<void>

const nothing: Moment = () => Promise.resolve()

/** Counts, and does what a test wants before it answers and after. */
async function startReceiver() {
  const posts: Post[] = []
  const receiver = {
    posts,
    status: 200,
    before: nothing,
    after: nothing,
  }
  const { url, close } = await startLoopback(async (request, response) => {
    let body = ''
    for await (const piece of request.setEncoding('utf8')) body += String(piece)
    const { text, content } = JSON.parse(body)
    const count = posts.push({ key: String(request.headers['webhook-id']), text: String(text ?? content) })
    await receiver.before(count)
    if (receiver.status !== 200) return void response.writeHead(receiver.status).end()
    response.end()
    await receiver.after(count)
  })
  return Object.assign(receiver, { url: url.href, [Symbol.asyncDispose]: close })
}

interface Sending {
  readonly folder: string
  readonly url: string
  readonly format: Format
  readonly count: number
  readonly words?: number
  readonly at?: number
  readonly moment?: 'before' | 'after'
}

function startSending({ folder, url, format, count, words = 0, at = 0, moment = 'before' }: Sending) {
  const file = join(import.meta.dirname, 'send-until.ts')
  const child = spawn(process.execPath, [file, folder, url, format, String(count), String(words), String(at), moment], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  const ended = once(child, 'close').then(() => ({ out, accepted: out.match(/^accepted /gm)?.length ?? 0, signal: child.signalCode, code: child.exitCode }))
  return { ended, kill: () => child.kill('SIGKILL') }
}

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-send-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const MARK = '(possibly a repeat)\n'
/** Two parts each in Discord's form. */
const WORDS = 450
const COUNT = 2

function assertDelivered(posts: readonly Post[], format: Format, where: string): void {
  // One that knows keys takes each once: what it has is what came first under each.
  const taken = format === 'json' ? [...new Map(posts.map((post) => [post.key, post] as const).toReversed()).values()].toReversed() : posts
  const first = taken.filter(({ text }, index) => taken.findIndex((other) => plain(other) === plain({ text })) === index).map(plain)
  const expected = format === 'json' ? [1, 2].map((number) => longText(number, WORDS)) : first
  assert.deepEqual(first, expected, where)
  const whole = first.join('')
  assert.equal(whole, [1, 2].map((number) => longText(number, WORDS)).join(''), `${where}: all of it, in order`)
  if (format === 'json') assert.equal(taken.length, COUNT, `${where}: each once`)
  else for (const text of first) assert.ok(posts.filter((post) => post.text === text).length <= 1, `${where}: a repeat without a mark`)
}

const plain = ({ text }: Pick<Post, 'text'>) => (text.startsWith(MARK) ? text.slice(MARK.length) : text)

describe('a process that dies while it sends', () => {
  for (const format of ['json', 'discord'] as const) {
    it(`at any write loses nothing and repeats nothing unmarked (${format})`, { timeout: 120_000 }, async (t) => {
      await using receiver = await startReceiver()
      const dry = await startSending({ folder: await temporaryFolder(t), url: receiver.url, format, count: COUNT, words: WORDS }).ended
      const writes = Number(/written (\d+)/.exec(dry.out)?.[1])
      assert.ok(writes >= COUNT * 3, `${writes} writes`)
      for (let at = 1; at <= writes; at++) {
        for (const moment of ['before', 'after'] as const) {
          receiver.posts.length = 0
          const sending = { folder: await temporaryFolder(t), url: receiver.url, format, count: COUNT, words: WORDS }
          const killed = await startSending({ ...sending, at, moment }).ended
          assert.equal(killed.signal, 'SIGKILL')
          assert.equal((await startSending(sending).ended).code, 0)
          assertDelivered(receiver.posts, format, `killed ${moment} write ${at} of ${writes}`)
        }
      }
    })

    it(`at any moment of a request loses nothing and repeats nothing unmarked (${format})`, { timeout: 120_000 }, async (t) => {
      const requests = format === 'json' ? COUNT : COUNT * 2
      for (let at = 1; at <= requests; at++) {
        for (const moment of ['before', 'after'] as const) {
          await using receiver = await startReceiver()
          const sending = { folder: await temporaryFolder(t), url: receiver.url, format, count: COUNT, words: WORDS }
          const first = startSending(sending)
          receiver[moment] = async (count) => {
            if (count !== at) return
            first.kill()
            await first.ended
          }
          assert.equal((await first.ended).signal, 'SIGKILL')
          assert.equal((await startSending(sending).ended).code, 0)
          assertDelivered(receiver.posts, format, `killed ${moment} the answer to request ${at}`)
          // The last word about a request is lost with the process at most.
          assert.ok(receiver.posts.length <= requests + 1)
        }
      }
    })
  }

  it('again and again with a thousand messages that wait loses none, and each arrives once, in order', { timeout: 120_000 }, async (t) => {
    await using receiver = await startReceiver()
    const sending = { folder: await temporaryFolder(t), url: receiver.url, format: 'json', count: 1000 } as const
    receiver.status = 503
    const accepting = startSending(sending)
    const ended = accepting.ended
    while (receiver.posts.length < 1) await new Promise((resolve) => setImmediate(resolve))
    // It goes on accepting while the receiver is away.
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 100))])
    accepting.kill()
    await ended
    receiver.posts.length = 0
    receiver.status = 200
    const kills = [1, 300, 700]
    for (const at of kills) {
      const next = startSending(sending)
      receiver.before = async (count) => {
        if (count !== at) return
        next.kill()
        await next.ended
      }
      await next.ended
    }
    receiver.before = nothing
    const startedAt = performance.now()
    assert.equal((await startSending(sending).ended).code, 0)
    t.diagnostic(
      `1,000 messages, ${kills.length} kills: ${receiver.posts.length} requests, the last start took ${Math.round(performance.now() - startedAt)} ms`,
    )
    assert.deepEqual(
      [...new Set(receiver.posts.map(({ key }) => key))],
      Array.from({ length: 1000 }, (_, index) => `k${index + 1}`),
    )
    assert.ok(receiver.posts.length <= 1000 + kills.length, `${receiver.posts.length} requests`)
  })
})

describe('a database that fails', () => {
  for (const format of ['json', 'discord'] as const) {
    for (const failure of ['unwritten', 'unflushed'] as const satisfies readonly Failure[]) {
      it(`at any write of a message (${format}, ${failure}) loses nothing and repeats nothing unmarked`, async (t) => {
        const run = async (at: number) => {
          const folder = await temporaryFolder(t)
          await using receiver = await startReceiver()
          const to = { mine: { url: receiver.url, format } }
          let writes = 0
          const failing = await openOutbox({ to, folder, wrap: (database) => failingDatabase(database, (write) => ((writes = write) === at ? failure : null)) })
          const text = (number: number) => longText(number, WORDS)
          for (let number = 1; number <= COUNT; number++) {
            // Whoever hears that it could not be accepted sends it again, as a turn does that is taken up.
            await failing.send(text(number), { key: `k${number}` }).catch(() => failing.send(text(number), { key: `k${number}` }))
          }
          await failing.drained()
          assertDelivered(receiver.posts, format, `write ${at} fails`)
          assert.deepEqual(await failing.store.check(), [])
          await failing.crash()
          return writes
        }
        const writes = await run(0)
        for (let at = 1; at <= writes; at++) await run(at)
      })
    }
  }
})
