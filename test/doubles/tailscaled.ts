/**
 * The local API of a Tailscale daemon on a unix socket, as far as `whois` goes: https://pkg.go.dev/tailscale.com/client/local#Client.WhoIs and
 * https://pkg.go.dev/tailscale.com/client/tailscale/apitype#WhoIsResponse. Unknown addresses get 404, as the daemon answers.
 */
import { createServer } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Tailscaled extends AsyncDisposable {
  readonly socket: string
  /** What it was asked about. */
  readonly asked: readonly string[]
}

export async function startTailscaled(peers: Readonly<Record<string, string>>): Promise<Tailscaled> {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-tailscaled-'))
  const socket = join(folder, 'tailscaled.sock')
  const asked: string[] = []
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://local-tailscaled.sock')
    const address = url.searchParams.get('addr') ?? ''
    asked.push(address)
    const login = url.pathname === '/localapi/v0/whois' ? peers[address] : undefined
    if (login === undefined) return void response.writeHead(404).end('no match for IP:port')
    const bits = address.includes(':') ? 128 : 32
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify({
        Node: { ID: 1, Name: 'laptop.tail.ts.net.', Addresses: [`${address}/${bits}`] },
        UserProfile: { ID: 1, LoginName: login, DisplayName: 'Me' },
        CapMap: null,
      }),
    )
  })
  await new Promise<void>((resolve) => void server.listen(socket, resolve))
  return {
    socket,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => void server.close(resolve))
      await rm(folder, { recursive: true, force: true })
    },
  }
}
