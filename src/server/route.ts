/** What a route is. Scope is not optional: 'public' must be written out. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Cleared } from '../contracts/cleared.ts'
import type { Scope } from '../contracts/scope.ts'
import type { RequestFacts } from '../guard/request.ts'
import type { ServerDeps } from './server-deps.ts'

export interface Route {
  readonly method: 'GET' | 'POST'
  /** Exact. */
  readonly path: string
  readonly scope: Scope
  /** Its body is a trial of a secret: every request counts as a failed attempt until the handler forgives it. */
  readonly isAttempt?: true
  /** Answers, or throws before it has begun to. */
  handle(call: RouteCall): void | Promise<void>
}

export interface RouteCall {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly facts: Cleared<RequestFacts>
  readonly deps: ServerDeps
}
