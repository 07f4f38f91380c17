/** Writes that can be taken back. */
import * as z from 'zod'

/** `undo.list {limit?, runId?}`, newest first; `undo.apply {id, force?}`: `force` also overwrites what was changed since. */
export const undoStep = z.object({
  id: z.string(),
  runId: z.string(),
  sessionKey: z.string().nullable(),
  tool: z.string(),
  summary: z.string(),
  at: z.number(),
  undoneAt: z.number().nullable(),
})

export const undoListResult = z.object({ steps: z.array(undoStep) })

export const undoApplyResult = z.object({ step: undoStep })
