/** All of standard input, bounded. */
import { text } from 'node:stream/consumers'
import { AppError } from '../contracts/errors.ts'
import type { Terminal } from './context.ts'

const MAX_BYTES = 512 * 1024

export async function readInput({ input }: Pick<Terminal, 'input'>): Promise<string> {
  let read = 0
  return text(
    (async function* () {
      for await (const chunk of input) {
        const bytes = Buffer.from(typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk : '')
        read += bytes.length
        if (read > MAX_BYTES) throw new AppError('request/too-large', 'standard input holds more than 512 kB')
        yield bytes
      }
    })(),
  )
}
