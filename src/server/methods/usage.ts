import * as z from 'zod'
import { addUsage, NO_USAGE } from '../../contracts/usage.ts'
import { usageStatusResult } from '../../contracts/ws/usage.ts'
import { defineMethod } from '../method.ts'

const DAY_MS = 86_400_000

export const usageStatus = defineMethod({
  name: 'usage.status',
  scope: 'operator.read',
  params: z.strictObject({ by: z.enum(['day', 'model', 'session']).default('day'), days: z.int().min(1).max(3660).default(30) }),
  result: usageStatusResult,
  async handle({ by, days }, { deps }) {
    const since = deps.now() - days * DAY_MS
    const rows = await deps.gateway.store.usage.summarize({ by, sinceMs: since })
    const totals = { turns: 0, usage: NO_USAGE, costUsd: 0, unpricedTurns: 0 }
    for (const row of rows) {
      totals.turns += row.turns
      totals.usage = addUsage(totals.usage, row.usage)
      totals.costUsd += row.costUsd
      totals.unpricedTurns += row.unpricedTurns
    }
    return { by, since, rows: [...rows], totals }
  },
})
