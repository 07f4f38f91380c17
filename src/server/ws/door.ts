/** All WebSocket connections. Loaded by the first upgrade that passed the request checkpoint. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { Approval } from '../../contracts/approval.ts'
import type { Cleared } from '../../contracts/cleared.ts'
import { AppError } from '../../contracts/errors.ts'
import type { WorkEvent } from '../../contracts/work.ts'
import { closeCodes, wsLimits } from '../../contracts/ws-protocol.ts'
import type { RequestFacts } from '../../guard/request.ts'
import { addressKey } from '../../guard/stages/request/rate-limits.ts'
import { newId } from '../../std/ids.ts'
import { viewApproval } from '../approval-view.ts'
import { viewJob, viewRun } from '../job-view.ts'
import { briefTask } from '../task-view.ts'
import type { Drain } from '../drain.ts'
import { readHealth } from '../health.ts'
import { methods } from '../methods/registry.ts'
import type { ServerDeps } from '../server-deps.ts'
import { TurnBroadcast } from './broadcast.ts'
import { Connection, type ConnectionHome } from './connection.ts'

const SUBPROTOCOL = 'carapace.v3'

export class SocketDoor {
  readonly #deps: ServerDeps
  readonly #sockets: WebSocketServer
  readonly #home: ConnectionHome
  /** All, those that still shake hands included. */
  readonly #connections = new Set<Connection>()
  readonly #ready = new Set<Connection>()
  /** Runs while somebody is connected. */
  #stop: (() => void) | null = null
  #lastHealth = ''

  constructor(deps: ServerDeps, drain: Drain) {
    this.#deps = deps
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: wsLimits.maxPayload,
      perMessageDeflate: false,
      clientTracking: false,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    })
    this.#home = {
      deps,
      methods: new Map(methods.map((method) => [method.name, method])),
      isDraining: () => drain.isDraining,
      enter: () => drain.enter(),
      ready: (connection) => this.#greet(connection),
      count: () => this.#ready.size,
      failed: (address) => void deps.access.failures.count(addressKey(address), deps.now()),
    }
    // Lives as long as the server: there is one door.
    deps.credentials.onDeviceEvent(({ event, payload }) => {
      const text = JSON.stringify(payload)
      for (const connection of this.#ready) if (connection.may('operator.pairing')) connection.sendEvent(event, text)
    })
    // A moment later, so that whoever took his own credential away still gets his answer; requests are refused at once.
    deps.access.onEnded(() =>
      setImmediate(() => {
        for (const connection of this.#connections) connection.endUnlessCurrent()
      }),
    )
  }

  /** Throws when there is no room. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, { principal, address }: Cleared<RequestFacts>): void {
    if (this.#connections.size >= this.#deps.config.maxConnections) {
      throw new AppError('request/rate-limited', `at most ${this.#deps.config.maxConnections} connections`)
    }
    if (principal === null) throw new AppError('auth/unauthorized')
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = new Connection(newId('conn', this.#deps.now()), webSocket, { held: principal, address }, this.#home)
      this.#connections.add(connection)
      webSocket.once('close', () => this.#forget(connection))
    })
  }

  /** Says goodbye to everybody. */
  async close(): Promise<void> {
    const leaving = [...this.#connections]
    for (const connection of leaving) {
      connection.sendEvent('shutdown', JSON.stringify({ reason: 'the gateway is stopping' }))
      connection.close(closeCodes.restart, 'the gateway is stopping')
    }
    await Promise.all(leaving.map((connection) => connection.closed))
  }

  #greet(connection: Connection): void {
    this.#ready.add(connection)
    this.#stop ??= this.#start()
  }

  #forget(connection: Connection): void {
    this.#connections.delete(connection)
    this.#ready.delete(connection)
    if (this.#ready.size > 0) return
    this.#stop?.()
    this.#stop = null
  }

  #start(): () => void {
    const broadcast = new TurnBroadcast((event, payload) => this.#tellReaders(event, payload))
    const unsubscribe = this.#deps.gateway.subscribe((turn, event, seq) => broadcast.hear(turn, event, seq), 'pieces')
    const unfollow = this.#deps.gateway.approvals.subscribe((approvals) => this.#tellApprovals(approvals), 'everywhere')
    const leave = this.#deps.work.add((event) => this.#tellWork(event))
    this.#lastHealth = readHealth(this.#deps).notReady.join('\n')
    const timer = setInterval(() => this.#tick(), wsLimits.tickIntervalMs)
    return () => {
      clearInterval(timer)
      unsubscribe()
      unfollow()
      leave()
    }
  }

  #tick(): void {
    const health = readHealth(this.#deps)
    const changed = health.notReady.join('\n') !== this.#lastHealth
    this.#lastHealth = health.notReady.join('\n')
    this.#tellReaders('tick', JSON.stringify({ ts: this.#deps.now() }))
    if (changed) this.#tellReaders('health', JSON.stringify(health))
    for (const connection of this.#connections) {
      connection.endUnlessCurrent()
      connection.checkAlive()
    }
  }

  /** One at a time: each is at most as large as a message. */
  #tellApprovals(approvals: readonly Approval[]): void {
    for (const approval of approvals) {
      const payload = JSON.stringify({ approvals: [viewApproval(approval)] })
      const fits = Buffer.byteLength(payload) <= wsLimits.maxBroadcastPayload
      this.#tellReaders('approval', fits ? payload : JSON.stringify({ approvals: [], truncated: true, id: approval.id }))
    }
  }

  #tellWork(event: WorkEvent): void {
    const { kind, action } = event
    if (kind === 'task') return this.#tellReaders('task', JSON.stringify({ action, task: briefTask(event.task) }))
    const { job, run } = event
    this.#tellReaders('cron', JSON.stringify({ action, job: viewJob(job), run: run === null ? null : viewRun(run, job.name) }))
  }

  #tellReaders(event: string, payload: string): void {
    for (const connection of this.#ready) if (connection.mayRead()) connection.sendEvent(event, payload)
  }
}
