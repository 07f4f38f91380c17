import type { Message } from './message.ts'
import type { Taint } from './store.ts'

/** What these messages show to a model. Its own answers add nothing: they carry the taint of what it had read. What it once wrote into a note comes back as a result, and does. */
export function taintOf(messages: readonly Message[], start: Taint): Taint {
  let { untrusted, private: isPrivate } = start
  for (const message of messages) {
    for (const part of message.parts) {
      if (!('origin' in part) || (message.role === 'assistant' && part.origin.author.kind === 'model')) continue
      untrusted ||= part.origin.trust === 'untrusted'
      isPrivate ||= part.origin.private
    }
  }
  return { untrusted, private: isPrivate }
}
