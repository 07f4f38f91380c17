/** Earlier conversations. What was said there may have been anybody's words: all of it is untrusted and private. */
import * as z from 'zod'
import { AppError } from '../contracts/errors.ts'
import type { JsonObject } from '../contracts/json.ts'
import { textOf, type Message } from '../contracts/message.ts'
import type { Entry, SessionStore } from '../contracts/store.ts'
import type { AnyTool, Tool } from '../contracts/tool.ts'
import { cut, listing } from './listing.ts'
import { reading } from './reading.ts'

const manifest = reading({ trust: 'untrusted', private: true, curated: false, records: false })
const limit = z.int().min(1).max(100).default(20)
/** Of one message. */
const SHOWN_CHARACTERS = 4000

export type ReadableSessions = Pick<SessionStore, 'list' | 'find' | 'tail'>

export function sessionTools(sessions: ReadableSessions): readonly AnyTool[] {
  return [sessionList(sessions), sessionRead(sessions)]
}

const listInput = z.strictObject({ limit })
function sessionList(sessions: ReadableSessions): Tool<z.infer<typeof listInput>> {
  return {
    name: 'session_list',
    description: 'Stored conversations, newest first.',
    input: listInput,
    manifest,
    async run({ limit }, _call, signal) {
      signal.throwIfAborted()
      const { sessions: found, total } = await sessions.list({ limit, offset: 0 })
      const items = found.map(({ key, title, messageCount, lastActivityAt }) => ({
        key,
        ...(title === null ? {} : { title: cut(title, 200) }),
        messages: messageCount,
        lastActivity: new Date(lastActivityAt).toISOString(),
      }))
      const more = total > found.length ? `\n[${total - found.length} older]` : ''
      return { output: listing(items, 'There are no conversations') + more }
    },
  }
}

const readInput = z.strictObject({ key: z.string().min(1).max(512), limit })
function sessionRead(sessions: ReadableSessions): Tool<z.infer<typeof readInput>> {
  return {
    name: 'session_read',
    description: 'The last messages of a stored conversation.',
    input: readInput,
    manifest,
    async run({ key, limit }, _call, signal) {
      signal.throwIfAborted()
      const session = await sessions.find(key)
      if (session === null) throw new AppError('session/not-found', undefined, { hint: 'session_list names them' })
      const entries = await sessions.tail(session.id, { limit })
      return { output: listing(entries.map(describeEntry), 'This conversation is empty') }
    },
  }
}

function describeEntry({ at, message }: Entry): JsonObject {
  return { at: new Date(at).toISOString(), role: message.role, text: cut(spoken(message), SHOWN_CHARACTERS) }
}

/** Text, and names of what else there was. */
function spoken(message: Message): string {
  const others = message.parts.flatMap((part) => {
    if (part.type === 'tool-call') return [`[called ${part.tool}]`]
    if (part.type === 'tool-result') return [`[${part.tool} answered] ${cut(part.output, 500)}`]
    return part.type === 'image' ? ['[image]'] : []
  })
  return [textOf(message), ...others].filter((text) => text !== '').join('\n')
}
