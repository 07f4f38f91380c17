/** Reads a page of the public web. What comes back was written by anybody: it is untrusted, and an address can carry data away, so that it is content as well. */
import * as z from 'zod'
import type { EgressFetch, EgressRequest, EgressResponse } from '../contracts/egress.ts'
import { AppError } from '../contracts/errors.ts'
import type { Tool } from '../contracts/tool.ts'
import { cut } from './listing.ts'

const input = z.strictObject({
  url: z.string().min(1).max(4096),
  maxCharacters: z.int().min(100).max(50_000).default(20_000),
})

/** What is read of an answer; the rest is left. */
const MAX_BYTES = 2 * 1024 * 1024
const TOTAL_MS = 30_000
const MAX_REDIRECTS = 5
const ACCEPT = 'text/html, application/xhtml+xml, text/*;q=0.9, application/json;q=0.9, */*;q=0.1'

export function webFetch(fetch: EgressFetch): Tool<z.infer<typeof input>> {
  return {
    name: 'web_fetch',
    description: 'Read a public web page (https).',
    input,
    manifest: {
      effect: 'egress',
      effectWithoutDestination: 'egress',
      recovery: 'idempotent',
      destinations: ['url'],
      content: ['url'],
      targets: [],
      paths: [],
      consent: 'judged',
      returns: { trust: 'untrusted', private: false, curated: false, records: false },
    },
    async run({ url, maxCharacters }, _call, signal) {
      const request = requestFor(url)
      const response = await fetch(request, signal)
      const from = response.url ?? request.url
      const { binaryType, contentText } = await import('./web-content.ts')
      const contentType = response.headers['content-type'] ?? ''
      const binary = binaryType(contentType)
      if (binary !== null) {
        await close(response)
        throw new AppError('tool/failed', `this is ${binary}, which is not read as text`)
      }
      const { bytes, isCut } = await readBytes(response)
      const content = contentText(bytes, contentType, from)
      const head = [`HTTP ${response.status}`, ...(from.href === request.url.href ? [] : [`URL: ${from.href}`]), ...content.head]
      const text = cut(content.text, maxCharacters)
      return {
        output: `${head.join('\n')}\n\n${text === '' ? '[there is no text]' : text}${isCut ? '\n[the page goes on]' : ''}`,
        ...(response.status >= 400 ? { isError: true } : {}),
        origin: { author: { kind: 'web', host: from.host }, trust: 'untrusted', private: false },
      }
    },
  }
}

function requestFor(text: string): EgressRequest {
  if (!URL.canParse(text)) throw new AppError('tool/invalid-input', 'url is no address', { hint: 'Write it whole, for example https://example.com/page' })
  const url = new URL(text)
  url.hash = ''
  return {
    method: 'GET',
    url,
    headers: { accept: ACCEPT },
    totalTimeoutMs: TOTAL_MS,
    // One chunk more than is kept.
    maxBodyBytes: 2 * MAX_BYTES,
    maxRedirects: MAX_REDIRECTS,
    policy: { hosts: 'public' },
  }
}

/** Leaving the body early closes the connection. */
async function readBytes({ body }: EgressResponse): Promise<{ readonly bytes: Uint8Array; readonly isCut: boolean }> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    length += chunk.length
    if (length > MAX_BYTES) break
  }
  return { bytes: Buffer.concat(chunks).subarray(0, MAX_BYTES), isCut: length > MAX_BYTES }
}

async function close({ body }: EgressResponse): Promise<void> {
  await body[Symbol.asyncIterator]().return?.()
}
