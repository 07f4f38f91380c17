/** The same questions and answers as over the WebSocket. */
import { lazy } from '../lazy.ts'
import type { Route } from '../route.ts'

const load = lazy(() => import('../answer-approvals.ts'))

export const approvals: Route = {
  method: 'GET',
  path: '/v1/approvals',
  scope: 'operator.read',
  handle: async (call) => (await load()).listApprovals(call),
}

export const approvalsResolve: Route = {
  method: 'POST',
  path: '/v1/approvals/resolve',
  scope: 'operator.approvals',
  handle: async (call) => (await load()).resolveApprovals(call),
}
