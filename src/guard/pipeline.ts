/**
 * Every decision about trust, read top to bottom. A checkpoint is a list of properties; what is cleared has all of them. Requests of strangers are decided before this, in
 * `request.ts`. House rule: an entry that skips a checkpoint does not compile, because every sink demands `Cleared<T>`.
 */
import type { EgressRequest } from '../contracts/egress.ts'
import type { SecretRegistry } from '../contracts/log.ts'
import type { ModelRequest } from '../contracts/provider.ts'
import type { ToolCall } from '../contracts/tool.ts'
import type { InboundMessage } from '../contracts/turn.ts'
import { credentialsSameOrigin } from './stages/egress/credentials-same-origin.ts'
import type { EgressContext } from './stages/egress/facts.ts'
import { hostAllowed } from './stages/egress/host-allowed.ts'
import { resolvesToPublic } from './stages/egress/resolves-to-public.ts'
import { schemeAllowed } from './stages/egress/scheme-allowed.ts'
import { secretsForHost } from './stages/egress/secrets-for-host.ts'
import type { ArgumentText, InboundContext, PromptContext } from './stages/message/facts.ts'
import { inboundClassified, resultClassified, type Classifying } from './stages/message/classified.ts'
import { inboundInjectionScanned, resultInjectionScanned } from './stages/message/injection-scanned.ts'
import { linksSafe } from './stages/message/links-safe.ts'
import { markupSafe } from './stages/message/markup-safe.ts'
import type { OutboundContext, OutboundStage, OutboundText } from './stages/message/outbound-facts.ts'
import { marksApart } from './stages/message/marks-apart.ts'
import { piiRedacted } from './stages/message/pii-redacted.ts'
import { argumentSecretsRedacted, inboundSecretsRedacted, outboundSecretsRedacted } from './stages/message/secrets-redacted.ts'
import { inboundSizeWithinLimit } from './stages/message/size-within-limit.ts'
import { trustAssigned } from './stages/message/trust-assigned.ts'
import { systemPromptSound } from './stages/message/system-prompt-sound.ts'
import { untrustedMarked } from './stages/message/untrusted-marked.ts'
import { withinWindow } from './stages/message/within-window.ts'
import { consentPerCall } from './stages/tool/consent-per-call.ts'
import { destinationsKnown } from './stages/tool/destinations-known.ts'
import type { ToolCallContext, ToolResultContext, TracedResult } from './stages/tool/facts.ts'
import { inputValid } from './stages/tool/input-valid.ts'
import { originMarked } from './stages/tool/origin-marked.ts'
import { ownerApproved } from './stages/tool/owner-approved.ts'
import { pathsInsideRoots } from './stages/tool/paths-inside-roots.ts'
import { policyAllows } from './stages/tool/policy-allows.ts'
import { resultSecretsRedacted } from './stages/tool/result-secrets-redacted.ts'
import { resultSizeWithinLimit } from './stages/tool/result-size-within-limit.ts'
import { ruleOfTwo } from './stages/tool/rule-of-two.ts'
import { toolKnown } from './stages/tool/tool-known.ts'
import type { AsyncStage, Checkpoint } from './stage.ts'

/** What comes in, before it is journaled. */
export const inbound: Checkpoint<InboundMessage, InboundContext> = {
  name: 'inbound',
  stages: [inboundSizeWithinLimit, trustAssigned, inboundSecretsRedacted, inboundInjectionScanned],
}

/** The same where a second model looks at text of others; only then anything waits. */
export const inboundWithClassifier: Checkpoint<InboundMessage, InboundContext & Classifying, AsyncStage<InboundMessage, InboundContext & Classifying>> = {
  name: 'inbound',
  stages: [...inbound.stages, inboundClassified],
}

/** What a model is asked. */
export const prompt: Checkpoint<ModelRequest, PromptContext> = {
  name: 'prompt',
  stages: [systemPromptSound, untrustedMarked, withinWindow],
}

/** Every text of a call's arguments, before it is kept or judged. */
export const argument: Checkpoint<ArgumentText, { readonly secrets: SecretRegistry }> = {
  name: 'argument',
  stages: [argumentSecretsRedacted],
}

/** What a model wants done. Assume that an attacker wrote it. */
export const toolCall: Checkpoint<ToolCall, ToolCallContext, AsyncStage<ToolCall, ToolCallContext>> = {
  name: 'toolCall',
  stages: [toolKnown, policyAllows, inputValid, pathsInsideRoots, destinationsKnown, ruleOfTwo, consentPerCall, ownerApproved],
}

/** What a tool answered, before a model or the journal sees it. */
export const toolResult: Checkpoint<TracedResult, ToolResultContext> = {
  name: 'toolResult',
  stages: [originMarked, resultSecretsRedacted, resultSizeWithinLimit, resultInjectionScanned],
}

/** The same with a second model. */
export const toolResultWithClassifier: Checkpoint<TracedResult, ToolResultContext & Classifying, AsyncStage<TracedResult, ToolResultContext & Classifying>> = {
  name: 'toolResult',
  stages: [...toolResult.stages, resultClassified],
}

/** What leaves towards people; `outbound-stream.ts` runs the same stages over deltas. */
export const outbound: Checkpoint<OutboundText, OutboundContext, OutboundStage> = {
  name: 'outbound',
  stages: [outboundSecretsRedacted, piiRedacted, marksApart, markupSafe, linksSafe],
}

/** What leaves towards servers; again for each redirect. */
export const egress: Checkpoint<EgressRequest, EgressContext, AsyncStage<EgressRequest, EgressContext>> = {
  name: 'egress',
  stages: [schemeAllowed, hostAllowed, resolvesToPublic /* pins the addresses */, credentialsSameOrigin, secretsForHost /* puts them in */],
}
