import { PASS, type Stage } from '../../stage.ts'
import type { ToolResultContext, TracedResult } from './facts.ts'

export const MAX_RESULT_CHARACTERS = 64 * 1024

/** Cuts what would crowd the conversation out of the window, and says so. Runs last, so that no cut hides the rest of a secret. */
export const resultSizeWithinLimit: Stage<TracedResult, ToolResultContext> = {
  name: 'sizeWithinLimit',
  check(result) {
    if (result.output.length <= MAX_RESULT_CHARACTERS) return PASS
    const kept = result.output.slice(0, MAX_RESULT_CHARACTERS).toWellFormed()
    const output = `${kept}\n[cut: ${result.output.length - MAX_RESULT_CHARACTERS} more characters]`
    return { verdict: 'rewrite', value: { ...result, output }, why: 'longer than 64 KiB' }
  },
}
