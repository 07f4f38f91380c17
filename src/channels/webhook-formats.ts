/** How a text is written for who receives it. Nothing in it calls people by name, and no link in it is opened for a preview. */
import type { DestinationInfo, Label, TextTraits } from '../contracts/destination.ts'

export interface WebhookFormat {
  readonly contentType: string
  readonly traits: TextTraits
  /** Whether the receiver is told the key of a message, and can take it once. */
  readonly isKeyed: boolean
  write(text: string, label: Label): string
}

/** Where the receiver knows no keys, people are told. */
const REPEAT = '(possibly a repeat)\n'
const forPeople = (text: string, { mayRepeat }: Label) => (mayRepeat ? `${REPEAT}${text}` : text)

export const webhookFormats: Readonly<Record<DestinationInfo['format'], WebhookFormat>> = {
  json: {
    contentType: 'application/json',
    traits: { maxText: 16_384, unit: 'utf-16', markup: 'plain' },
    isKeyed: true,
    write: (text, { key: id, part, parts }) => JSON.stringify({ type: 'message', id, text, ...(parts === 1 ? {} : { part, parts }) }),
  },
  text: {
    contentType: 'text/plain; charset=utf-8',
    traits: { maxText: 16_384, unit: 'bytes', markup: 'plain' },
    isKeyed: true,
    write: (text) => text,
  },
  // https://docs.slack.dev/messaging/formatting-message-text: these three characters are all that begins a link, a mention or a command.
  // https://docs.slack.dev/reference/methods/chat.postMessage#truncating: 4,000 characters at best.
  slack: {
    contentType: 'application/json',
    traits: { maxText: 4000 - REPEAT.length, unit: 'code-points', markup: 'plain' },
    isKeyed: false,
    write: (text, label) =>
      JSON.stringify({
        text: forPeople(text, label).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
        mrkdwn: false,
        unfurl_links: false,
        unfurl_media: false,
      }),
  },
  // https://discord.com/developers/docs/resources/webhook#execute-webhook: flag 4 shows no previews.
  discord: {
    contentType: 'application/json',
    traits: { maxText: 2000 - REPEAT.length, unit: 'utf-16', markup: 'markdown' },
    isKeyed: false,
    write: (text, label) => JSON.stringify({ content: forPeople(text, label), allowed_mentions: { parse: [] }, flags: 4 }),
  },
}
