/** What a model is sent for one word with every tool offered. */
import { estimateTokens } from '../src/std/token-estimate.ts'
import type { Bench } from './support/bench.ts'
import { atMost } from './support/figure.ts'
import { startGateway, startUpstream } from './support/servers.ts'

const LIMIT_TOKENS = 1499

export const requestSize: Bench = {
  name: 'request-size',
  title: 'Sent upstream for "hi", every tool on',
  async run({ checkout }) {
    const upstream = await startUpstream(checkout)
    const gateway = await startGateway(checkout, { upstream, config: { filesystem: { roots: [await checkout.folder()] } } })
    const body = JSON.stringify({ model: 'openai:short', messages: [{ role: 'user', content: 'hi' }] })
    const answer = await fetch(`http://127.0.0.1:${gateway.port}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${gateway.token}` },
      body,
    })
    if (answer.status !== 200) throw new Error(`the gateway answered ${answer.status}`)
    const sent = await (await fetch(`http://127.0.0.1:${upstream.port}/last`)).text()
    for (const program of [gateway, upstream]) await program.stop()
    const tools = [...sent.matchAll(/"type":"function"/g)].length
    const bytes = Buffer.byteLength(sent)
    return [
      { name: 'bytes of the body', value: bytes, unit: 'bytes', reference: { name: 'asked of us', value: Buffer.byteLength(body) }, note: `${tools} tools` },
      { name: 'tokens at four bytes each', value: bytes / 4, unit: 'tokens', bar: atMost(LIMIT_TOKENS) },
      { name: 'tokens as we estimate them', value: estimateTokens(sent), unit: 'tokens', bar: atMost(LIMIT_TOKENS) },
    ]
  },
}
