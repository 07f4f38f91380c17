/**
 * Secrets that a tool may use without seeing them: it writes `{{secret:NAME}}` into a header, and the egress checkpoint puts the value in, for the hosts that the owner named
 * and no other. Neither the request that others see nor an error, log line, receipt or journal ever holds the value.
 */
import type { Secret } from './secret.ts'

export interface NamedSecret {
  readonly value: Pick<Secret, 'reveal'>
  /** `host` (https, port 443) or `host:port`; in lower case, whole names. */
  readonly hosts: readonly string[]
  /** Where a tool that only names the secret sends it, and what stands before it there. */
  readonly header: string
  readonly prefix: string
}

/** By name. */
export type NamedSecrets = Readonly<Record<string, NamedSecret>>

export const SECRET_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/
const PLACEHOLDER = /\{\{secret:([^{}]{1,80})\}\}/g
const MARK = '{{secret:'

export function placeholder(name: string): string {
  return `${MARK}${name}}}`
}

export function holdsPlaceholder(text: string): boolean {
  return text.includes(MARK)
}

/** `valueOf` may throw. */
export function fillPlaceholders(text: string, valueOf: (name: string) => string): string {
  return text.replace(PLACEHOLDER, (_, name: string) => valueOf(name))
}

export function placeholdersIn(text: string): readonly string[] {
  return [...text.matchAll(PLACEHOLDER)].map((found) => found[1] ?? '')
}
