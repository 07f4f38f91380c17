/**
 * Words that others choose (the host that a model asks for, or that a redirect names), as a line of the log may hold them: without known secrets, however they are spread or spelled,
 * with nothing that hides, and short.
 */
import type { SecretRegistry } from '../contracts/log.ts'
import { visibleText } from '../std/visible-text.ts'
import { clearArgument } from './outbound-stream.ts'

/** A host name has at most 253. */
const MAX_CHARACTERS = 300

export function loggedWords(words: string, secrets: SecretRegistry): string {
  // Before it is cut: half a secret is not found.
  return visibleText(
    clearArgument(words, { secrets }, () => undefined),
    MAX_CHARACTERS,
  )
}
