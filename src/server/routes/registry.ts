import type { Route } from '../route.ts'
import { approvals, approvalsResolve } from './approvals.ts'
import { authLogin, authLogout, authSession } from './auth.ts'
import { chatCompletions } from './chat-completions.ts'
import { healthReady } from './health-ready.ts'
import { health, healthLive } from './health.ts'
import { models } from './models.ts'
import { pairChallenge, pairClaim, pairRequest } from './pair.ts'
import { responses } from './responses.ts'

export const routes: readonly Route[] = [
  health,
  healthLive,
  healthReady,
  models,
  chatCompletions,
  responses,
  approvals,
  approvalsResolve,
  authLogin,
  authLogout,
  authSession,
  pairChallenge,
  pairRequest,
  pairClaim,
]
