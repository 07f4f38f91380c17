/**
 * People whom the tailnet knows. `tailscale serve` hands their requests on from this machine and names them in headers; a header is only a claim, and any program here can write one. So
 * the connection must come from a socket of the very user that the Tailscale daemon runs as, and the daemon itself must say that this address is this person's. Any doubt: a stranger.
 */
import type { Principal } from '../../contracts/principal.ts'
import type { Scope } from '../../contracts/scope.ts'

export interface TailnetClaim {
  /** Of the TCP connection. */
  readonly peerAddress: string
  readonly peerPort: number
  readonly ownPort: number
  /** `X-Forwarded-For`, alone. */
  readonly client: string
  /** `Tailscale-User-Login`, alone. */
  readonly login: string
}

export interface TailnetOptions {
  readonly users: readonly string[]
  readonly scopes: readonly Scope[]
  readonly whoIs: (address: string) => Promise<{ readonly login: string; readonly addresses: readonly string[] } | null>
  readonly ownerOfPeer: (peerPort: number, ownPort: number) => Promise<number | null>
  readonly ownerOfDaemon: () => Promise<number | null>
}

const MAX_AT_ONCE = 8
const LOOPBACK = /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|::ffff:127\.\d{1,3}\.\d{1,3}\.\d{1,3})$/

export class Tailnet {
  /** By `Principal.id`. */
  readonly principals: ReadonlyMap<string, Principal>
  readonly #options: TailnetOptions
  #asking = 0

  constructor(options: TailnetOptions) {
    this.#options = options
    this.principals = new Map(
      options.users.map((login) => {
        const id = `tailnet:${login.toLowerCase()}`
        return [id, { id, scopes: options.scopes, credential: id }]
      }),
    )
  }

  async identify({ peerAddress, peerPort, ownPort, client, login }: TailnetClaim): Promise<Principal | null> {
    const principal = this.principals.get(`tailnet:${login.toLowerCase()}`)
    if (principal === undefined || !LOOPBACK.test(peerAddress) || !/^[\da-f.:]{2,39}$/i.test(client) || this.#asking >= MAX_AT_ONCE) return null
    this.#asking++
    try {
      const { whoIs, ownerOfPeer, ownerOfDaemon } = this.#options
      const [peer, daemon, user] = await Promise.all([ownerOfPeer(peerPort, ownPort), ownerOfDaemon(), whoIs(client)])
      if (peer === null || peer !== daemon || user === null || user.login.toLowerCase() !== login.toLowerCase()) return null
      return user.addresses.includes(`${client}/${client.includes(':') ? 128 : 32}`) ? principal : null
    } catch {
      return null
    } finally {
      this.#asking--
    }
  }
}
