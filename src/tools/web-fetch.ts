/** Reads a page of the public web. What comes back was written by anybody: it is untrusted, and an address can carry data away, so that it is content as well. */
import * as z from 'zod'
import type { EgressFetch } from '../contracts/egress.ts'
import { AppError } from '../contracts/errors.ts'
import type { SecretRegistry } from '../contracts/log.ts'
import { type NamedSecrets, placeholder } from '../contracts/named-secret.ts'
import type { Tool } from '../contracts/tool.ts'
import { cut } from './listing.ts'
import { closeBody, publicRequest, readBytes } from './public-body.ts'

const plainInput = z.strictObject({
  url: z.string().min(1).max(4096),
  maxCharacters: z.int().min(100).max(50_000).default(20_000),
})
type Input = z.infer<typeof plainInput> & { readonly secret?: string | undefined }

/** A model that has no secrets to name is told of none. */
function inputFor(names: readonly string[]): z.ZodType<Input> {
  return names.length === 0 ? plainInput : plainInput.extend({ secret: z.enum(names).optional().describe('Credential to send; you never see it') })
}

export interface WebSecrets {
  readonly named: NamedSecrets
  /** An answer may repeat what it was sent. */
  readonly known: Pick<SecretRegistry, 'redact' | 'heldBack'>
}

/** What is read of an answer; the rest is left. */
const MAX_BYTES = 2 * 1024 * 1024
const ACCEPT = 'text/html, application/xhtml+xml, text/*;q=0.9, application/json;q=0.9, */*;q=0.1'

export function webFetch(fetch: EgressFetch, secrets: WebSecrets | null = null): Tool<Input> {
  const named = secrets?.named ?? {}
  return {
    name: 'web_fetch',
    description: 'Read a public web page (https).',
    input: inputFor(Object.keys(named)),
    manifest: {
      effect: 'egress',
      effectWithoutDestination: 'egress',
      recovery: 'idempotent',
      destinations: ['url'],
      content: ['url'],
      targets: ['secret'],
      paths: [],
      consent: 'judged',
      returns: { trust: 'untrusted', private: false, curated: false, records: false },
    },
    async run({ url, maxCharacters, secret }, _call, signal) {
      const request = publicRequest(url, { accept: ACCEPT, ...credentialOf(secret, named) }, MAX_BYTES)
      const response = await fetch(request, signal)
      const from = response.url ?? request.url
      const { binaryType, contentText } = await import('./web-content.ts')
      const contentType = response.headers['content-type'] ?? ''
      const binary = binaryType(contentType)
      if (binary !== null) {
        await closeBody(response)
        throw new AppError('tool/failed', `this is ${binary}, which is not read as text`)
      }
      const { bytes, isCut } = await readBytes(response, MAX_BYTES)
      const content = contentText(bytes, contentType, from)
      const head = [`HTTP ${response.status}`, ...(from.href === request.url.href ? [] : [`URL: ${from.href}`]), ...content.head]
      const text = cut(withoutSecrets(content.text, isCut, secrets), maxCharacters)
      return {
        output: `${head.join('\n')}\n\n${text === '' ? '[there is no text]' : text}${isCut ? '\n[the page goes on]' : ''}`,
        ...(response.status >= 400 ? { isError: true } : {}),
        origin: { author: { kind: 'web', host: from.host }, trust: 'untrusted', private: secret !== undefined },
      }
    },
  }
}

function credentialOf(name: string | undefined, named: NamedSecrets): Readonly<Record<string, string>> {
  if (name === undefined) return {}
  const { header = 'authorization', prefix = 'Bearer ' } = Object.hasOwn(named, name) ? (named[name] ?? {}) : {}
  return { [header]: prefix + placeholder(name) }
}

/** Before anything is cut: the half of a secret is not found any more. */
function withoutSecrets(text: string, isCut: boolean, secrets: WebSecrets | null): string {
  if (secrets === null) return text
  const clean = secrets.known.redact(text)
  return isCut ? clean.slice(0, clean.length - secrets.known.heldBack(clean)) : clean
}
