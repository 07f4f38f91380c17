/** How a text is written for who receives it. Nothing in it calls people by name, and no link in it is opened for a preview. */
import type { DestinationInfo } from '../contracts/destination.ts'

export interface WebhookFormat {
  readonly contentType: string
  readonly maxText: number
  /** Whether the receiver is told the key of a message, and can take it once. */
  readonly isKeyed: boolean
  write(text: string, key: string): string
}

export const webhookFormats: Readonly<Record<DestinationInfo['format'], WebhookFormat>> = {
  json: {
    contentType: 'application/json',
    maxText: 16_384,
    isKeyed: true,
    write: (text, id) => JSON.stringify({ type: 'message', id, text }),
  },
  text: { contentType: 'text/plain; charset=utf-8', maxText: 16_384, isKeyed: true, write: (text) => text },
  // https://docs.slack.dev/messaging/formatting-message-text: these three characters are all that begins a link, a mention or a command.
  slack: {
    contentType: 'application/json',
    maxText: 16_384,
    isKeyed: false,
    write: (text) =>
      JSON.stringify({
        text: text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
        mrkdwn: false,
        unfurl_links: false,
        unfurl_media: false,
      }),
  },
  // https://discord.com/developers/docs/resources/webhook#execute-webhook: flag 4 shows no previews.
  discord: {
    contentType: 'application/json',
    maxText: 2000,
    isKeyed: false,
    write: (text) => JSON.stringify({ content: text, allowed_mentions: { parse: [] }, flags: 4 }),
  },
}
