import type { AnyTool } from '../../../contracts/tool.ts'
import type { Origin } from '../../../contracts/origin.ts'
import { PASS, type Stage } from '../../stage.ts'
import type { ToolResultContext, TracedResult } from './facts.ts'

/** Gives a result its origin: what the tool said, but never more trust or less privacy than its manifest. An error text is the tool's own, still as untrusted. */
export const originMarked: Stage<TracedResult, ToolResultContext> = {
  name: 'originMarked',
  check(result, { tool }) {
    const { trust, private: isPrivate } = tool.manifest.returns
    if (result.origin === null) return { verdict: 'rewrite', value: { ...result, origin: declaredOrigin(tool) }, why: 'the result came without an origin' }
    const origin: Origin = {
      author: result.origin.author,
      trust: trust === 'untrusted' ? 'untrusted' : result.origin.trust,
      private: isPrivate || result.origin.private,
    }
    if (origin.trust === result.origin.trust && origin.private === result.origin.private) return PASS
    return { verdict: 'rewrite', value: { ...result, origin }, why: 'the tool claimed more than its manifest' }
  },
}

/** The origin of what a tool returns, where the result itself says nothing. */
export function declaredOrigin({ name, manifest: { returns } }: AnyTool): Origin {
  return { author: { kind: 'tool', name }, trust: returns.trust, private: returns.private }
}
