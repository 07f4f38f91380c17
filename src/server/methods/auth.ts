import * as z from 'zod'
import { authRotateResult } from '../../contracts/ws/auth.ts'
import { defineMethod } from '../method.ts'

export const authRotate = defineMethod({
  name: 'auth.rotate',
  scope: 'operator.admin',
  params: z.strictObject({}),
  result: authRotateResult,
  handle: async (_, { deps, principal }) => ({ token: await deps.credentials.rotateToken(principal) }),
})
