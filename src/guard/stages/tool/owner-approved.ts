import type { ToolCall } from '../../../contracts/tool.ts'
import { coverage } from '../../approvals/unlocks.ts'
import { effectOf } from '../../provenance/judge-call.ts'
import { PASS, type AsyncStage, type Held, type Verdict } from '../../stage.ts'
import type { ToolCallContext } from './facts.ts'

/** What was held has the owner's word: for this very call, or by a grant that covers it. What he refused does not happen, whatever else speaks for it. */
export const ownerApproved: AsyncStage<ToolCall, ToolCallContext> = {
  name: 'ownerApproved',
  check(call, { tools, word }, _signal, holds): Verdict<ToolCall> {
    const answer = word.answerTo(call)
    switch (answer?.kind) {
      case 'allowed':
        return { verdict: 'release', rules: holds.map(({ rule }) => rule), by: answer.approvalId, why: 'the owner allowed it' }
      case 'refused':
        return refused(call, answer)
      case 'changed':
        return {
          verdict: 'hold',
          why: `${call.tool}: it changed since you were asked`,
          evidence: 'its arguments, or what they stand for, are not those that you allowed',
          unlock: 'The owner can allow it as it is now',
        }
      case 'repeated':
        return {
          verdict: 'hold',
          why: `${call.tool}: you allowed the very same call once`,
          evidence: 'your word was for one call, and this is another',
          unlock: 'The owner can allow it again',
        }
      default:
        return holds.length === 0 ? PASS : released(call, { tools, word }, holds)
    }
  },
}

function released(call: ToolCall, { tools, word }: Pick<ToolCallContext, 'tools' | 'word'>, holds: readonly Held[]): Verdict<ToolCall> {
  const tool = tools.get(call.tool)
  if (tool === undefined) return { verdict: 'block', code: 'guard/blocked', why: 'nothing is known of this tool' }
  const rules = holds.map(({ rule }) => rule)
  const grants = word.grants.map((grant) => ({ grant, covered: coverage(grant, call, tool) })).filter(({ covered }) => covered !== null)
  const whole = grants.find(({ covered }) => covered?.rules === null || rules.every((rule) => covered?.rules?.includes(rule)))
  if (whole !== undefined) return { verdict: 'release', rules, by: whole.grant.id, why: 'a grant of the owner covers it' }
  const isShadowed = word.mode === 'shadow' && tool.manifest.consent === 'judged' && effectOf(call, tool.manifest) !== 'irreversible'
  if (isShadowed) return { verdict: 'release', rules, by: 'shadow', why: 'shadow mode only records it' }
  const [part] = grants
  return part === undefined ? PASS : { verdict: 'release', rules: part.covered?.rules ?? [], by: part.grant.id, why: 'a grant of the owner covers it in part' }
}

function refused(
  { tool }: ToolCall,
  { status, note }: { readonly status: 'denied' | 'expired' | 'cancelled'; readonly note: string | null },
): Verdict<ToolCall> {
  if (status !== 'denied') return { verdict: 'block', code: 'approval/expired', why: tool, hint: 'Ask the owner whether it is still wanted' }
  return { verdict: 'block', code: 'approval/denied', why: note === null ? tool : `${tool}. He says: ${note}`, hint: 'Do not try it another way' }
}
