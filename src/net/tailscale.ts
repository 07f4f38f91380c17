/**
 * Asks the Tailscale daemon of this machine who an address of the tailnet belongs to: its local API, `GET /localapi/v0/whois?addr=IP`, over its unix socket
 * (https://pkg.go.dev/tailscale.com/client/local#Client.WhoIs). Never over TCP.
 */
import { request } from 'node:http'
import * as z from 'zod/mini'

export interface TailnetUser {
  readonly login: string
  /** Of the node that was asked about. */
  readonly addresses: readonly string[]
}

const whoIsAnswer = z.object({ Node: z.object({ Addresses: z.array(z.string()) }), UserProfile: z.object({ LoginName: z.string() }) })
const MAX_ANSWER = 256 * 1024
const TIMEOUT_MS = 1000

/** Null for whoever is not known, and where nobody answers. */
export function whoIs(socketPath: string, address: string): Promise<TailnetUser | null> {
  const { promise, resolve } = Promise.withResolvers<TailnetUser | null>()
  const path = `/localapi/v0/whois?addr=${encodeURIComponent(address)}`
  const asking = request({ socketPath, path, headers: { host: 'local-tailscaled.sock' }, signal: AbortSignal.timeout(TIMEOUT_MS) }, (response) => {
    const chunks: Buffer[] = []
    let bytes = 0
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > MAX_ANSWER) response.destroy()
      else chunks.push(chunk)
    })
    response.on('end', () => resolve(response.statusCode === 200 ? readAnswer(Buffer.concat(chunks).toString('utf8')) : null))
    // An error of the answer is told to nobody who does not listen; a close follows.
    response.on('close', () => resolve(null))
  })
  asking.on('error', () => resolve(null))
  asking.end()
  return promise
}

function readAnswer(text: string): TailnetUser | null {
  try {
    const { Node, UserProfile } = whoIsAnswer.parse(JSON.parse(text))
    return { login: UserProfile.LoginName, addresses: Node.Addresses }
  } catch {
    return null
  }
}
