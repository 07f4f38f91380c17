import * as z from 'zod'
import type { UndoStep } from '../../contracts/undo.ts'
import { undoApplyResult, undoListResult } from '../../contracts/ws/undo.ts'
import { defineMethod } from '../method.ts'

const id = z.string().min(1).max(128)

export const undoList = defineMethod({
  name: 'undo.list',
  scope: 'operator.read',
  params: z.strictObject({ limit: z.int().min(1).max(1000).default(50), runId: id.optional() }),
  result: undoListResult,
  async handle({ limit, runId }, { deps }) {
    const steps = await deps.undo.list({ limit, ...(runId === undefined ? {} : { turnId: runId }) })
    return { steps: steps.map(viewStep) }
  },
})

export const undoApply = defineMethod({
  name: 'undo.apply',
  scope: 'operator.write',
  params: z.strictObject({ id, force: z.boolean().default(false) }),
  result: undoApplyResult,
  async handle({ id, force }, { deps }) {
    return { step: viewStep(await deps.undo.apply(id, { force })) }
  },
})

function viewStep({ id, turnId, sessionKey, tool, summary, at, undoneAt }: UndoStep) {
  return { id, runId: turnId, sessionKey, tool, summary, at, undoneAt }
}
