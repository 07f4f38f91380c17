import * as z from 'zod'
import type { LogTail } from '../../contracts/log.ts'
import { logsTailResult, logsUnfollowResult } from '../../contracts/ws/logs.ts'
import { defineMethod, type CallConnection } from '../method.ts'

const MAX_WAITING_LINES = 500

export const logsTail = defineMethod({
  name: 'logs.tail',
  scope: 'operator.admin',
  params: z.strictObject({ limit: z.int().min(0).max(5000).default(200), follow: z.boolean().default(false) }),
  result: logsTailResult,
  handle({ limit, follow }, { deps, connection }) {
    const lines = limit === 0 ? [] : [...deps.logs.tail(limit)]
    if (follow) connection.follow(followLogs(deps.logs, connection))
    return { lines, following: follow }
  },
})

export const logsUnfollow = defineMethod({
  name: 'logs.unfollow',
  scope: 'operator.admin',
  params: z.strictObject({}),
  result: logsUnfollowResult,
  handle(_, { connection }) {
    connection.unfollow()
    return { following: false as const }
  },
})

/** Lines of one round of the event loop leave as one event. */
function followLogs(logs: LogTail, connection: CallConnection): () => void {
  let waiting: string[] = []
  let dropped = 0
  const send = () => {
    const lines = waiting
    waiting = []
    connection.sendEvent('logs', { lines, dropped })
    dropped = 0
  }
  return logs.follow((line) => {
    if (waiting.length >= MAX_WAITING_LINES) return void dropped++
    if (waiting.push(line) === 1) setImmediate(send)
  })
}
