// expect-error: is not assignable to type 'Verdict<object>'
import type { Stage } from '../../../src/guard/stage.ts'

/** A stage that falls off its end decides nothing. */
export const silent: Stage<object, null> = { name: 'silent', check: () => undefined }
