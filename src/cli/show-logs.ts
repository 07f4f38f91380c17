/** `cara logs`: the newest lines, then new ones for as long as somebody watches. */
import * as z from 'zod'
import { AppError } from '../contracts/errors.ts'
import { logsEvent, logsTailResult } from '../contracts/ws/logs.ts'
import type { GatewayClient } from '../net/gateway-client.ts'
import type { CliContext, GatewayTarget } from './context.ts'
import { exitCodes } from './exit-codes.ts'
import { clean, oneLine, painter } from './output.ts'
import { understood } from './understood.ts'
import { withGateway } from './with-gateway.ts'

export interface LogsQuery {
  readonly lines: number
  readonly follow: boolean
  readonly isJson: boolean
}

export async function showLogs(context: CliContext, gateway: GatewayTarget, { lines: limit, follow: isFollowing, isJson }: LogsQuery): Promise<number> {
  const print = (lines: readonly string[]) => {
    for (const line of lines) context.io.write(`${isJson ? clean(line) : pretty(context, line)}\n`)
  }
  try {
    return await withGateway(context, { ...gateway, orEmbed: false }, async (client) => {
      if (isFollowing) return follow(context, client, limit, print)
      print(understood(logsTailResult, await client.call('logs.tail', { limit })).lines)
      return exitCodes.ok
    })
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'gateway/unreachable') throw error
    throw new AppError('gateway/unreachable', undefined, {
      hint: `start one with \`cara start\`; what earlier ones wrote is in ${context.services.paths().logFile}`,
    })
  }
}

/** Lines that are written between the answer and its printing come as events, and after it. */
async function follow(context: CliContext, client: GatewayClient, limit: number, print: (lines: readonly string[]) => void): Promise<number> {
  const stopped = Promise.withResolvers<void>()
  const stopListening = context.io.onSignal(() => stopped.resolve())
  const early: string[] = []
  let isPrinting = false
  const stopEvents = client.onEvent((name, payload) => {
    const event = name === 'logs' ? logsEvent.safeParse(payload) : undefined
    if (event?.success !== true) return
    if (!isPrinting) early.push(...event.data.lines)
    else print(event.data.lines)
    if (event.data.dropped > 0) context.io.writeError(`${event.data.dropped} lines came too fast and were left out\n`)
  })
  try {
    print(understood(logsTailResult, await client.call('logs.tail', { limit, follow: true })).lines)
    print(early)
    isPrinting = true
    await Promise.race([stopped.promise, client.closed])
    return exitCodes.ok
  } finally {
    stopEvents()
    stopListening()
  }
}

const logLine = z.looseObject({ time: z.string(), level: z.string(), event: z.string() })

function pretty(context: CliContext, line: string): string {
  const parsed = logLine.safeParse(parseJson(line))
  if (!parsed.success) return clean(line)
  const { time, level, event, ...fields } = parsed.data
  const paint = painter(context.io)
  const color = level === 'error' ? paint.red : level === 'warn' ? paint.yellow : paint.dim
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return `${paint.dim(oneLine(time))} ${color(oneLine(level).padEnd(5))} ${oneLine(event)}${rest.length === 0 ? '' : ` ${oneLine(rest.join(' '), 2000)}`}`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
