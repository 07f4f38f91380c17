/** Bounded ways to read the body of an answer. */

/** Milliseconds for what may still follow the last event of an answer. */
const REST_MS = 100
const REST_BYTES = 64 * 1024

/** The first `limit` bytes as text. Reading stops there, which closes the connection. */
export async function readAtMost(body: AsyncIterable<Uint8Array>, limit: number): Promise<string> {
  const text = new TextDecoder()
  let left = limit
  let result = ''
  for await (const bytes of body) {
    result += text.decode(bytes.subarray(0, left), { stream: true })
    left -= bytes.length
    if (left <= 0) break
  }
  return result + text.decode()
}

/** Waits, a moment at most, for the end of an answer that has already said everything. Trouble here changes nothing. */
export async function readRest(chunks: AsyncIterator<Uint8Array>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeUp = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, REST_MS, null)
  })
  try {
    for (let left = REST_BYTES; left > 0;) {
      const chunk = await Promise.race([chunks.next(), timeUp])
      if (chunk === null || chunk.done === true) return
      left -= chunk.value.length
    }
  } catch {
    // The answer is complete: a connection that breaks afterwards is not its fault.
  } finally {
    clearTimeout(timer)
  }
}
