/** What holds for every tool, whoever wrote it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import type { JsonValue } from '../../src/contracts/json.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import type { AnyTool, ToolCall, ToolResult } from '../../src/contracts/tool.ts'
import { cleared } from '../doubles/cleared.ts'

export interface ToolCase {
  readonly make: () => Promise<AnyTool>
  /** Arguments that the tool answers without an error. */
  readonly input: JsonValue
  /** Another, with the arguments that exclude those of the first. */
  readonly other?: JsonValue
}

const MAX_OUTPUT = 64 * 1024

export function callOf(tool: AnyTool, input: JsonValue, more: Partial<ToolCall> = {}) {
  return cleared<ToolCall>({ callId: 'c1', tool: tool.name, input, turnId: 't1', sessionId: 's1', effectId: 'e1', binding: null, origin: OWNER, ...more })
}

/** With what the tool binds it to. */
export async function boundCall(tool: AnyTool, input: JsonValue, more: Partial<ToolCall> = {}) {
  const binding = (await tool.bind?.(tool.input.parse(input), AbortSignal.timeout(10_000))) ?? null
  return callOf(tool, input, { binding, ...more })
}

export async function runTool(tool: AnyTool, input: JsonValue, more: Partial<ToolCall> = {}): Promise<ToolResult> {
  const { signal } = new AbortController()
  return await tool.run(tool.input.parse(input), await boundCall(tool, input, more), signal)
}

export function testToolContract(name: string, { make, input, other }: ToolCase): void {
  describe(`tool ${name}`, () => {
    test('says what it is', async () => {
      const tool = await make()
      assert.equal(tool.name, name)
      assert.match(tool.name, /^[a-z][a-z0-9_]{0,63}$/)
      assert.ok(tool.description.length > 0 && tool.description.length <= 160, 'a description of at most 160 characters')
    })

    test('its manifest is complete and agrees with itself', async () => {
      const tool = await make()
      const { manifest } = tool
      assert.ok(['read', 'write', 'egress', 'irreversible'].includes(manifest.effect))
      assert.ok(['pure', 'idempotent', 'keyed', 'probe', 'unsafe'].includes(manifest.recovery))
      assert.ok(['trusted', 'untrusted'].includes(manifest.returns.trust) && typeof manifest.returns.private === 'boolean')
      if (manifest.recovery === 'pure') assert.equal(manifest.effect, 'read', 'what has an effect is not pure')
      assert.equal(tool.probe !== undefined, manifest.recovery === 'probe', 'it can tell whether it happened, or does not say so')
      if (manifest.effect === 'egress') assert.ok(manifest.destinations.length > 0, 'what leaves has a destination')
      if (manifest.effect === 'read') assert.deepEqual(manifest.destinations, [], 'what only reads sends nothing')
    })

    test('every argument that its manifest names exists', async () => {
      const tool = await make()
      const given = JSON.stringify([input, ...(other === undefined ? [] : [other])].map((each) => tool.input.parse(each)))
      for (const path of [...tool.manifest.destinations, ...tool.manifest.content, ...tool.manifest.paths]) {
        for (const member of path.split('.')) assert.ok(given.includes(`"${member}":`), `${path} in ${given}`)
      }
    })

    test('refuses junk as input, without throwing', async () => {
      const tool = await make()
      assert.ok(tool.input.safeParse(input).success)
      assert.ok(!tool.input.safeParse({ ...(isObject(input) ? input : {}), surplus_argument: 1 }).success, 'surplus arguments')
      fc.assert(
        fc.property(fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.array(fc.anything(), { minLength: 1 })), (junk) => {
          assert.ok(!tool.input.safeParse(junk).success)
        }),
      )
      fc.assert(
        fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.anything(), { minKeys: 1 }), (junk) => {
          tool.input.safeParse(junk)
        }),
      )
    })

    test('answers within bounds, with an origin that trusts no more than the manifest', async () => {
      const tool = await make()
      const result = await runTool(tool, input)
      assert.notEqual(result.isError, true, result.output)
      assert.ok(result.output.length > 0 && result.output.length <= MAX_OUTPUT)
      if (result.origin !== undefined && tool.manifest.returns.trust === 'untrusted') assert.equal(result.origin.trust, 'untrusted')
      if (result.origin !== undefined && tool.manifest.returns.private) assert.equal(result.origin.private, true)
    })

    test('the same call twice gives the same, where the manifest says so', async () => {
      const tool = await make()
      if (tool.manifest.recovery !== 'pure' && tool.manifest.recovery !== 'idempotent') return
      assert.deepEqual(await runTool(tool, input), await runTool(tool, input))
    })

    test('settles after an abort', async () => {
      const tool = await make()
      const before = AbortSignal.abort(new Error('cancelled'))
      await settle(tool.run(tool.input.parse(input), callOf(tool, input), before))
      const during = new AbortController()
      const running = tool.run(tool.input.parse(input), await boundCall(tool, input), during.signal)
      during.abort(new Error('cancelled'))
      await settle(running)
    })
  })
}

function isObject(value: JsonValue): value is { readonly [key: string]: JsonValue } {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

async function settle(running: Promise<unknown>): Promise<void> {
  await Promise.race([
    running.then(
      () => undefined,
      () => undefined,
    ),
    new Promise((_resolve, reject) => {
      setTimeout(() => reject(new Error('it did not settle')), 20_000).unref()
    }),
  ])
}
