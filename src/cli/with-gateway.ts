/** A connected gateway for the length of one command. */
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError, type ErrorCode } from '../contracts/errors.ts'
import type { GatewayClient } from '../net/gateway-client.ts'
import type { CliContext, GatewayTarget, RunningGateway } from './context.ts'

export interface GatewayUse extends GatewayTarget {
  /** Where nobody answers and nobody was named, serve the same state folder in this process. */
  readonly orEmbed: boolean
}

export async function withGateway<T>(context: CliContext, use: GatewayUse, work: (client: GatewayClient) => Promise<T>): Promise<T> {
  const { client, embedded } = await reach(context, use)
  try {
    return await work(client)
  } finally {
    await client.close()
    await embedded?.stop()
  }
}

interface Reached {
  readonly client: GatewayClient
  readonly embedded: RunningGateway | null
}

/** Another command may serve itself from the same state folder just now: it is waited for, or its gateway is used. */
async function reach(context: CliContext, use: GatewayUse): Promise<Reached> {
  const isNamed = use.host !== undefined || use.port !== undefined
  const deadline = performance.now() + LOCKED_MS
  for (;;) {
    try {
      return { client: await context.services.connect(target(use.host, use.port)), embedded: null }
    } catch (error) {
      if (!use.orEmbed || isNamed || !isCode(error, 'gateway/unreachable')) throw error
    }
    try {
      return await embed(context)
    } catch (error) {
      if (!isCode(error, 'state/locked') || performance.now() > deadline) throw error
    }
    await sleep(RETRY_MS)
  }
}

const LOCKED_MS = 20_000
const RETRY_MS = 100

async function embed(context: CliContext): Promise<Reached> {
  const embedded = await context.services.startGateway({ embedded: true })
  try {
    return { client: await connectTo(context, embedded), embedded }
  } catch (error) {
    await embedded.stop()
    throw error
  }
}

function isCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof AppError && error.code === code
}

/** A client of a gateway that runs in this process. */
export function connectTo(context: CliContext, gateway: RunningGateway): Promise<GatewayClient> {
  const { hostname, port } = new URL(gateway.url)
  return context.services.connect({ host: hostname.replaceAll(/^\[|\]$/g, ''), port: Number(port) })
}

export function target(host: string | undefined, port: number | undefined): GatewayTarget {
  return { ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port }) }
}
