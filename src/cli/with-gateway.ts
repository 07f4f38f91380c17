/** A connected gateway for the length of one command. */
import { AppError } from '../contracts/errors.ts'
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

async function reach(context: CliContext, use: GatewayUse): Promise<{ readonly client: GatewayClient; readonly embedded: RunningGateway | null }> {
  const isNamed = use.host !== undefined || use.port !== undefined
  try {
    return { client: await context.services.connect(target(use.host, use.port)), embedded: null }
  } catch (error) {
    if (!use.orEmbed || isNamed || !(error instanceof AppError) || error.code !== 'gateway/unreachable') throw error
  }
  const embedded = await context.services.startGateway({ embedded: true })
  try {
    return { client: await connectTo(context, embedded), embedded }
  } catch (error) {
    await embedded.stop()
    throw error
  }
}

/** A client of a gateway that runs in this process. */
export function connectTo(context: CliContext, gateway: RunningGateway): Promise<GatewayClient> {
  const { hostname, port } = new URL(gateway.url)
  return context.services.connect({ host: hostname.replaceAll(/^\[|\]$/g, ''), port: Number(port) })
}

export function target(host: string | undefined, port: number | undefined): GatewayTarget {
  return { ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port }) }
}
