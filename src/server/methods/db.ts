import * as z from 'zod'
import { dbPruneResult } from '../../contracts/ws/data.ts'
import { defineMethod } from '../method.ts'

export const dbPrune = defineMethod({
  name: 'db.prune',
  scope: 'operator.admin',
  params: z.strictObject({}),
  result: dbPruneResult,
  async handle(_params, { deps }) {
    return { forgotten: { ...(await deps.forgetOld()) } }
  },
})
