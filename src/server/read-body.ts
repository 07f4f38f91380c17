import type { IncomingMessage } from 'node:http'
import { AppError } from '../contracts/errors.ts'
import { nestsDeeperThan } from '../std/json-depth.ts'

const MAX_DEPTH = 32

export interface BodyLimits {
  readonly maxBytes: number
  /** Milliseconds until the last byte. */
  readonly timeoutMs: number
}

/** The JSON body, counted while it comes. Throws `request/too-large`, `request/timeout` or `request/invalid`; after the first two the connection must be closed. */
export async function readJson(request: IncomingMessage, limits: BodyLimits): Promise<unknown> {
  const type = request.headers['content-type']
  // A form or text/plain is what a foreign page can send without asking.
  if (type !== undefined && !/^application\/json(?:\s*;|$)/i.test(type)) throw new AppError('request/invalid', 'the content-type must be application/json')
  const text = (await readBytes(request, limits)).toString('utf8')
  if (nestsDeeperThan(text, MAX_DEPTH)) throw new AppError('request/invalid', `JSON nested deeper than ${MAX_DEPTH} levels`)
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch {
    throw new AppError('request/invalid', 'the body is not JSON')
  }
}

function readBytes(request: IncomingMessage, { maxBytes, timeoutMs }: BodyLimits): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  let bytes = 0
  const stop = () => {
    clearTimeout(timer)
    request.off('data', take).off('end', finish).off('error', breakOff).off('close', breakOff)
  }
  const fail = (error: AppError) => {
    stop()
    request.pause()
    reject(error)
  }
  const take = (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > maxBytes) fail(new AppError('request/too-large', `at most ${maxBytes} bytes`))
    else chunks.push(chunk)
  }
  const finish = () => {
    stop()
    resolve(Buffer.concat(chunks, bytes))
  }
  const breakOff = () => fail(new AppError('request/invalid', 'the body broke off'))
  const timer = setTimeout(() => fail(new AppError('request/timeout')), timeoutMs)
  request.on('data', take).on('end', finish).on('error', breakOff).on('close', breakOff)
  // It may have broken off before anybody listened.
  if (request.destroyed) breakOff()
  return promise
}
