/** What every provider must do, asked over a real connection. A provider joins with `describeProvider` and the bytes its vendor documents. */
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { AdapterDeps, AdapterModule } from '../../src/contracts/adapter.ts'
import { AppError } from '../../src/contracts/errors.ts'
import type { FaultKind, ModelEvent, ModelFault, ModelRequest, Provider } from '../../src/contracts/provider.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import { createTransport } from '../../src/net/transport.ts'
import { cleared, uncheckedFetch } from '../doubles/cleared.ts'
import { type ModelServer, type Script, startModelServer } from '../doubles/model-server.ts'
import { recordedLog } from '../doubles/recorded-log.ts'

export interface ProviderSetup {
  /** The provider for a server at this origin, made from the vendor's own configuration. */
  create(server: URL, deps: AdapterDeps): Promise<Provider>
  /** Whether the configuration accepts this base URL. */
  acceptsBaseUrl(baseUrl: string): boolean
  /** The credentials that `create` uses: they must never show. At least 16 characters each. */
  readonly secrets: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  /** An answer that says `Hello, world.` in two or more pieces, with usage. */
  readonly text: readonly (string | Uint8Array)[]
  /** How many of those pieces arrive with the first text. */
  readonly firstText: number
  /** An answer that calls `first` with `{"a":1}` and `second` with `{}`. */
  readonly calls: readonly (string | Uint8Array)[]
  /** Bytes that are no frame, or a frame without sense. */
  readonly nonsense: string | Uint8Array
  /** Error answers by what they mean; the body holds `%ECHO%` where the vendor may repeat what it was sent. */
  readonly faults: readonly FaultCase[]
  /** A listing of the models `alpha` and `beta`. */
  readonly listing: string
}
export interface FaultCase {
  readonly kind: FaultKind
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

/** Kinds that every vendor must show how it says. */
const SAID: readonly FaultKind[] = ['auth', 'rate-limit', 'overloaded', 'context-too-long', 'network', 'bad-request']

/** Creates the provider of a module as `app/` does: the section is parsed, then the code is loaded. */
export async function fromModule<Product, Config>(module: AdapterModule<Product, Config>, section: unknown, deps: AdapterDeps): Promise<Product> {
  const config = module.config.parse(section)
  assert.ok(module.isConfigured(config))
  return module.create(config, deps)
}

export function describeProvider(name: string, setup: ProviderSetup): void {
  describe(`provider ${name}`, () => {
    test('streams text, then says once why and at what cost it ended', async (t) => {
      const { ask, server } = await setUp(t, setup, { headers: setup.headers, pieces: setup.text })
      const events = await ask()
      assert.equal(textOf(events), 'Hello, world.')
      const end = events.at(-1)
      assert.ok(end?.type === 'finish' && end.reason === 'stop')
      assert.ok(end.usage.inputTokens > 0 && end.usage.outputTokens > 0)
      assert.equal(server.requests.length, 1)
    })

    test('gives text on as it arrives', async (t) => {
      const rest = Promise.withResolvers<string>()
      const pieces = [...setup.text.slice(0, setup.firstText), rest.promise, ...setup.text.slice(setup.firstText)]
      const { provider } = await setUp(t, setup, { headers: setup.headers, pieces })
      const events: ModelEvent[] = []
      for await (const event of provider.stream(cleared(question), t.signal)) {
        events.push(event)
        if (event.type === 'text-delta') rest.resolve('')
      }
      assert.equal(textOf(events), 'Hello, world.')
    })

    test('streams several tool calls at once', async (t) => {
      const { ask } = await setUp(t, setup, { headers: setup.headers, pieces: setup.calls })
      const events = await ask()
      const starts = events.filter((event) => event.type === 'tool-call-start')
      const ends = events.filter((event) => event.type === 'tool-call-end')
      assert.deepEqual(
        ends.map(({ tool, input }) => ({ tool, input })),
        [
          { tool: 'first', input: { a: 1 } },
          { tool: 'second', input: {} },
        ],
      )
      assert.deepEqual(
        starts.map((start) => start.callId),
        ends.map((end) => end.callId),
      )
      assert.notEqual(ends[0]?.callId, ends[1]?.callId)
      const end = events.at(-1)
      assert.ok(end?.type === 'finish' && end.reason === 'tool-calls')
    })

    for (const when of ['before the answer', 'in its middle']) {
      test(`an abort ${when} closes the upstream connection within a second`, async (t) => {
        const pieces = when === 'in its middle' ? setup.text.slice(0, setup.firstText) : []
        const { ask, provider, server } = await setUp(t, setup, { headers: setup.headers, pieces, ending: 'hang' })
        const caller = new AbortController()
        const events: ModelEvent[] = []
        let abortedAt = 0
        const abort = (): void => {
          abortedAt = performance.now()
          caller.abort()
        }
        const run = (async () => {
          for await (const event of provider.stream(cleared(question), caller.signal)) {
            events.push(event)
            if (event.type === 'text-delta') abort()
          }
        })()
        if (pieces.length === 0) {
          await arrival(server)
          abort()
        }
        await Promise.all([run, server.aborted()])
        assert.ok(performance.now() - abortedAt < 1000)
        assert.equal(faultOf(events).kind, 'cancelled')
        assert.equal(server.requests.length, 1)
        // An aborted signal sends nothing more.
        assert.equal(faultOf(await ask(caller.signal)).kind, 'cancelled')
        assert.equal(server.requests.length, 1)
      })
    }

    test('an abort stops what has arrived already', async (t) => {
      const { provider } = await setUp(t, setup, { headers: setup.headers, pieces: [joined(setup.calls)] })
      const caller = new AbortController()
      const events: ModelEvent[] = []
      for await (const event of provider.stream(cleared(question), caller.signal)) {
        events.push(event)
        caller.abort()
      }
      assert.equal(events.length, 2)
      assert.equal(faultOf(events).kind, 'cancelled')
    })

    test('calls one after the other share a connection', async (t) => {
      const reply = { headers: setup.headers, pieces: setup.text }
      const { ask, server } = await setUp(t, setup, ...Array.from({ length: 5 }, () => reply))
      for (let call = 0; call < 5; call++) await ask()
      // A call that follows at once may find the first connection not yet free.
      assert.ok(server.connections() <= 2, `${server.connections()} connections`)
    })

    test('a reader that leaves closes the upstream connection', async (t) => {
      const { provider, server } = await setUp(t, setup, { headers: setup.headers, pieces: setup.text.slice(0, setup.firstText), ending: 'hang' })
      for await (const event of provider.stream(cleared(question), t.signal)) if (event.type === 'text-delta') break
      await server.aborted()
    })

    for (const ending of ['end', 'cut'] as const) {
      test(`an answer that stops in its middle (${ending}) is a network fault`, async (t) => {
        const { ask, server } = await setUp(t, setup, { headers: setup.headers, pieces: setup.text.slice(0, setup.firstText), ending })
        assert.equal(faultOf(await ask()).kind, 'network')
        assert.equal(server.requests.length, 1)
      })
    }

    test('nonsense in the stream is a fault, not a throw', async (t) => {
      const { ask } = await setUp(t, setup, { headers: setup.headers, pieces: [setup.nonsense, ...setup.text] })
      assert.equal(faultOf(await ask()).kind, 'network')
    })

    test('the setup shows every kind of fault', () => {
      assert.deepEqual(
        SAID.filter((kind) => !setup.faults.some((fault) => fault.kind === kind)),
        [],
      )
    })

    for (const { kind, status, headers, body } of setup.faults) {
      test(`status ${status} ${body.slice(0, 60)} is ${kind}, asked once, and tells no secret`, async (t) => {
        const { ask, server, lines } = await setUp(t, setup, ({ path, headers: sent }) => ({
          status,
          headers: { 'content-type': 'application/json', ...headers },
          pieces: [body.replaceAll('%ECHO%', JSON.stringify([path, setup.secrets, sent]).replaceAll(/[\\"]/g, ' '))],
        }))
        const fault = faultOf(await ask())
        assert.equal(fault.kind, kind)
        assert.equal(fault.status, status)
        assert.equal(server.requests.length, 1)
        assertTellsNothing(setup, server, [fault.message, ...lines])
      })
    }

    for (const kind of ['rate-limit', 'overloaded'] as const) {
      test(`${kind} says how long to wait`, async (t) => {
        const said = setup.faults.find((fault) => fault.kind === kind)
        assert.ok(said)
        const { ask } = await setUp(t, setup, { status: said.status, headers: { ...said.headers, 'retry-after': '7' }, pieces: [said.body] })
        assert.equal(faultOf(await ask()).retryAfterMs, 7000)
      })
    }

    test('a redirect is not followed, an endless error not read, a page not repeated', async (t) => {
      const elsewhere = await startModelServer()
      t.after(elsewhere.close)
      const { ask } = await setUp(
        t,
        setup,
        { status: 307, headers: { location: `${elsewhere.url.href}?token=${setup.secrets[0] ?? ''}` }, pieces: [] },
        { status: 500, pieces: [`<html>${'x'.repeat(200_000)}`], ending: 'hang' },
      )
      const redirected = faultOf(await ask())
      assert.equal(redirected.kind, 'bad-request')
      assert.match(redirected.message, /`baseUrl`/)
      assert.equal(elsewhere.requests.length, 0)
      const fault = faultOf(await ask())
      assert.ok(fault.message.length <= 500)
      assert.doesNotMatch(fault.message, /<|xxx/)
    })

    test('an error with status 200 is a fault', async (t) => {
      const { ask } = await setUp(t, setup, { headers: { 'content-type': 'application/json' }, pieces: ['{"error":{"message":"no"}}'] })
      assert.equal((await ask()).at(-1)?.type, 'error')
    })

    test('a server that is gone is a network fault that tells no secret', async (t) => {
      const { ask, server, lines } = await setUp(t, setup)
      await server.close()
      const fault = faultOf(await ask())
      assert.equal(fault.kind, 'network')
      assertTellsNothing(setup, server, [fault.message, ...lines])
    })

    test('lists models, and says safely why it cannot', async (t) => {
      const { provider, server } = await setUp(t, setup)
      server.list({ headers: { 'content-type': 'application/json' }, pieces: [setup.listing] })
      const models = await provider.listModels(t.signal)
      assert.deepEqual(
        models.map((model) => model.id),
        ['alpha', 'beta'],
      )
      for (const reply of [{ status: 401, pieces: [JSON.stringify(setup.secrets)] }, { pieces: ['<html>'] }, { pieces: ['{"data":7}'] }]) {
        server.list(reply)
        const error: unknown = await provider.listModels(t.signal).catch((reason: unknown) => reason)
        assert.ok(error instanceof AppError)
        assert.equal(error.code, 'status' in reply ? 'provider/auth' : 'provider/unreachable')
        assertTellsNothing(setup, server, [error.message])
      }
    })

    test('credentials travel in headers only', async (t) => {
      const { ask, server } = await setUp(t, setup, { headers: setup.headers, pieces: setup.text })
      await ask()
      const [request] = server.requests
      assert.ok(request)
      for (const secret of setup.secrets) assert.ok(!`${request.path}${request.body}`.includes(secret))
    })

    test('plain http is for this machine, and an address holds nothing but the address', () => {
      for (const baseUrl of ['https://models.example.com/v1', 'http://127.0.0.1:8080', 'http://localhost:8080', 'http://[::1]:8080']) {
        assert.ok(setup.acceptsBaseUrl(baseUrl), baseUrl)
      }
      for (const baseUrl of ['http://models.example.com/v1', 'http://10.0.0.8', 'https://user:pass@example.com', 'https://example.com/?key=1', 'models']) {
        assert.ok(!setup.acceptsBaseUrl(baseUrl), baseUrl)
      }
    })
  })
}

const question: ModelRequest = {
  model: 'alpha',
  system: 'Be brief.',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello?', origin: OWNER }] }],
  tools: [{ name: 'first', description: 'The first tool.', parameters: { type: 'object', properties: { a: { type: 'number' } } } }],
  maxOutputTokens: 100,
}

async function setUp(t: TestContext, setup: ProviderSetup, ...replies: readonly Script[]) {
  const server = await startModelServer()
  const transport = createTransport()
  const { log, lines } = recordedLog()
  t.after(() => Promise.all([transport.close(), server.close()]))
  server.script(...replies)
  const provider = await setup.create(server.url, { fetch: uncheckedFetch(transport), log, now: () => 0 })
  const ask = async (signal: AbortSignal = t.signal): Promise<readonly ModelEvent[]> => {
    const events: ModelEvent[] = []
    for await (const event of provider.stream(cleared(question), signal)) events.push(event)
    const ends = events.filter((event) => event.type === 'finish' || event.type === 'error')
    assert.equal(ends.length, 1, 'exactly one end')
    assert.equal(events.at(-1), ends[0], 'nothing after it')
    return events
  }
  return { server, provider, ask, lines }
}

/** The first request has arrived: the server is asked until it has. */
async function arrival(server: ModelServer): Promise<void> {
  while (server.requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
}

function joined(pieces: readonly (string | Uint8Array)[]): Uint8Array {
  return Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)))
}

function textOf(events: readonly ModelEvent[]): string {
  return events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('')
}

function faultOf(events: readonly ModelEvent[]): ModelFault {
  const end = events.at(-1)
  assert.ok(end?.type === 'error', `it ended with ${JSON.stringify(end)}`)
  assert.ok(end.fault.message.length > 0 && end.fault.message.length <= 500)
  return end.fault
}

function assertTellsNothing(setup: ProviderSetup, server: ModelServer, texts: readonly string[]): void {
  const all = texts.join('\n')
  const [request] = server.requests
  const hidden = [...setup.secrets, ...setup.secrets.map((secret) => secret.slice(0, 12)), ...(request === undefined ? [] : [request.path])]
  for (const secret of hidden) assert.ok(!all.includes(secret), `${secret} shows in ${all}`)
}
