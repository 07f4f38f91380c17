import { estimateTokens } from '../std/token-estimate.ts'
import type { AssistantPart, Message, ToolResultPart, UserPart } from './message.ts'

/** Images count as a fixed number of tokens: vendors bill by size, which is not looked at here. */
export function messageTokens(message: Message): number {
  let tokens = 4
  for (const part of message.parts) tokens += partTokens(part)
  return tokens
}

function partTokens(part: UserPart | AssistantPart | ToolResultPart): number {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return estimateTokens(part.text)
    case 'image':
      return 1200
    case 'tool-call':
      return estimateTokens(JSON.stringify(part.input)) + 10
    case 'tool-result':
      return estimateTokens(part.output) + estimateTokens(part.note ?? '') + 10
  }
}
