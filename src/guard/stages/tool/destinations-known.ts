import type { ToolCall } from '../../../contracts/tool.ts'
import { effectOf, judgeDestinations, reachesOut } from '../../provenance/judge-call.ts'
import { PASS, type Stage } from '../../stage.ts'
import type { ToolCallContext } from './facts.ts'

/** What reaches outside, or cannot be undone, goes only where the owner said, and acts only on what he named. */
export const destinationsKnown: Stage<ToolCall, ToolCallContext> = {
  name: 'destinationsKnown',
  check(call, { tools, evidence }) {
    const manifest = tools.get(call.tool)?.manifest
    if (manifest === undefined) return { verdict: 'block', code: 'guard/blocked', why: 'nothing is known of this tool' }
    if (!reachesOut(effectOf(call, manifest))) return PASS
    const objection = judgeDestinations(call, manifest, evidence)
    if (objection === null) return PASS
    return { verdict: 'hold', why: objection.why, evidence: objection.evidence, unlock: 'The owner can name it in a message, word for word, and ask again' }
  },
}
