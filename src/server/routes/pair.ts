import { lazy } from '../lazy.ts'
import type { Route } from '../route.ts'

const load = lazy(() => import('../auth/pairing.ts'))

export const pairChallenge: Route = { method: 'POST', path: '/pair/challenge', scope: 'public', handle: async (call) => (await load()).sendChallenge(call) }
export const pairRequest: Route = { method: 'POST', path: '/pair/request', scope: 'public', handle: async (call) => (await load()).requestPairing(call) }
export const pairClaim: Route = { method: 'POST', path: '/pair/claim', scope: 'public', handle: async (call) => (await load()).claimToken(call) }
