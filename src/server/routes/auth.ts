import { lazy } from '../lazy.ts'
import type { Route } from '../route.ts'

const load = lazy(() => import('../auth/browser-session.ts'))

export const authLogin: Route = {
  method: 'POST',
  path: '/auth/login',
  scope: 'public',
  isAttempt: true,
  handle: async (call) => (await load()).login(call),
}
export const authLogout: Route = { method: 'POST', path: '/auth/logout', scope: 'operator.read', handle: async (call) => (await load()).logout(call) }
export const authSession: Route = { method: 'GET', path: '/auth/session', scope: 'operator.read', handle: async (call) => (await load()).describeCaller(call) }
