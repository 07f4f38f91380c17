import type { ToolCall } from '../../../contracts/tool.ts'
import { effectOf, judgeContent, reachesOut } from '../../provenance/judge-call.ts'
import { PASS, type Stage } from '../../stage.ts'
import type { ToolCallContext } from './facts.ts'

/**
 * Of three things, somebody else’s text read, private data read, and an effect outside, the third happens only with the owner’s word. He gave it for the destination; this asks
 * whether he gave it for what is carried there.
 */
export const ruleOfTwo: Stage<ToolCall, ToolCallContext> = {
  name: 'ruleOfTwo',
  check(call, { tools, evidence }) {
    const manifest = tools.get(call.tool)?.manifest
    if (manifest === undefined) return { verdict: 'block', code: 'guard/blocked', why: 'nothing is known of this tool' }
    if (!reachesOut(effectOf(call, manifest))) return PASS
    const objection = judgeContent(call, manifest, evidence)
    if (objection === null) return PASS
    return {
      verdict: 'hold',
      why: objection.why,
      evidence: objection.evidence,
      unlock: 'The owner can say in a message what is to be sent, word for word, and ask again',
    }
  },
}
