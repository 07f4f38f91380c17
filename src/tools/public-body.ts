/** Requests for what anybody may read, and as much of the answer as is wanted. */
import type { EgressRequest, EgressResponse } from '../contracts/egress.ts'
import { AppError } from '../contracts/errors.ts'

const TOTAL_MS = 30_000
const MAX_REDIRECTS = 5

/** `maxBytes`: what will be read of the answer. */
export function publicRequest(address: string, headers: Readonly<Record<string, string>>, maxBytes: number): EgressRequest {
  if (!URL.canParse(address)) throw new AppError('tool/invalid-input', 'url is no address', { hint: 'Write it whole, for example https://example.com/page' })
  const url = new URL(address)
  url.hash = ''
  return {
    method: 'GET',
    url,
    headers,
    totalTimeoutMs: TOTAL_MS,
    // At least one chunk more than is kept.
    maxBodyBytes: maxBytes + 2 * 1024 * 1024,
    maxRedirects: MAX_REDIRECTS,
    policy: { hosts: 'public' },
  }
}

/** Leaving the body early closes the connection. */
export async function readBytes({ body }: EgressResponse, maxBytes: number): Promise<{ readonly bytes: Buffer; readonly isCut: boolean }> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    length += chunk.length
    if (length > maxBytes) break
  }
  return { bytes: Buffer.concat(chunks).subarray(0, maxBytes), isCut: length > maxBytes }
}

export async function closeBody({ body }: EgressResponse): Promise<void> {
  await body[Symbol.asyncIterator]().return?.()
}
