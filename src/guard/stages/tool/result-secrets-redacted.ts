import { PASS, type Stage } from '../../stage.ts'
import type { ToolResultContext, TracedResult } from './facts.ts'

export const resultSecretsRedacted: Stage<TracedResult, ToolResultContext> = {
  name: 'secretsRedacted',
  check(result, { secrets }) {
    const output = secrets.redact(result.output)
    return output === result.output ? PASS : { verdict: 'rewrite', value: { ...result, output }, why: 'a known secret stood in it' }
  },
}
