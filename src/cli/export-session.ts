/** A whole session as text, page by page out of the gateway. */
import * as z from 'zod'
import { AppError } from '../contracts/errors.ts'
import { sessionsExportResult } from '../contracts/ws/sessions.ts'
import type { GatewayClient } from '../net/gateway-client.ts'
import { safeJson, time } from './output.ts'
import { understood } from './understood.ts'

type Page = z.infer<typeof sessionsExportResult>
type Entry = Page['entries'][number]

/** Pages of at least one message each. */
const MAX_PAGES = 100_000

export async function exportSession(client: GatewayClient, key: string, format: 'jsonl' | 'markdown'): Promise<string> {
  const chunks: string[] = []
  const line = format === 'jsonl' ? (entry: Entry) => `${safeJson(entry)}\n` : markdownOf
  let page = await pageOf(client, key, null)
  const { session } = page
  for (let count = 1; ; count++) {
    chunks.push(page.entries.map(line).join(''))
    if (page.nextBeforeId === null) break
    if (count >= MAX_PAGES) throw new AppError('request/too-large', 'the session has too many pages')
    page = await pageOf(client, key, page.nextBeforeId)
  }
  const head =
    format === 'jsonl'
      ? `${safeJson({ session })}\n`
      : `# ${session.title ?? session.key}\n\n${session.messageCount} messages, ${time(session.createdAt)} to ${time(session.lastActivityAt)} UTC\n\n`
  return head + chunks.toReversed().join('')
}

async function pageOf(client: GatewayClient, key: string, beforeId: number | null): Promise<Page> {
  return understood(sessionsExportResult, await client.call('sessions.export', { key, ...(beforeId === null ? {} : { beforeId }) }))
}

const part = z.looseObject({ type: z.string() }).and(
  z.looseObject({
    text: z.string().optional(),
    tool: z.string().optional(),
    input: z.json().optional(),
    output: z.string().optional(),
    mediaType: z.string().optional(),
  }),
)
const message = z.object({ role: z.string(), parts: z.array(part) })

function markdownOf(entry: Entry): string {
  const parsed = message.safeParse(entry.message)
  if (!parsed.success) return ''
  const { role, parts } = parsed.data
  return `## ${role}, ${time(entry.at)} UTC\n\n${parts.map(partText).join('\n\n')}\n\n`
}

function partText(one: z.infer<typeof part>): string {
  if (one.type === 'tool-call') return fenced(`call ${one.tool ?? ''}`, safeJson(one.input ?? null, 2))
  if (one.type === 'tool-result') return fenced(`result of ${one.tool ?? ''}`, one.output ?? '')
  if (one.type === 'image') return `(image, ${one.mediaType ?? 'unknown type'})`
  if (one.type === 'reasoning') return (one.text ?? '').replaceAll(/^/gm, '> ')
  return one.text ?? ''
}

/** A fence longer than any inside. */
function fenced(title: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((ticks) => ticks[0].length))
  const fence = '`'.repeat(longest + 1)
  return `${title}:\n${fence}\n${text}\n${fence}`
}
