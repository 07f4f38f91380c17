/** What a WebSocket method is. Scope is not optional: 'public' must be written out. */
import type * as z from 'zod'
import { AppError } from '../contracts/errors.ts'
import type { Principal } from '../contracts/principal.ts'
import type { Scope } from '../contracts/scope.ts'
import type { ServerDeps } from './server-deps.ts'

export interface MethodDefinition<Params, Result> {
  readonly name: string
  readonly scope: Scope
  readonly params: z.ZodType<Params>
  /** What it answers; a promise to clients, checked by types and tests. */
  readonly result: z.ZodType<unknown, Result>
  handle(params: Params, context: CallContext): Result | Promise<Result>
}

export interface CallContext {
  readonly deps: ServerDeps
  readonly connection: CallConnection
  /** Who calls; `scopes` are those that the handshake granted. */
  readonly principal: Principal
  /** Aborts when the connection ends. */
  readonly signal: AbortSignal
}

/** What a method may know of the connection that calls it. */
export interface CallConnection {
  sendEvent(event: string, payload: unknown): void
  /** Log lines go to this connection until the returned function is called; a second follower replaces the first. */
  follow(stop: () => void): void
  unfollow(): void
  /** Connections that finished the handshake. */
  readonly count: number
}

/** A method whose types are forgotten, for the registry. */
export interface Method {
  readonly name: string
  readonly scope: Scope
  readonly result: z.ZodType
  call(params: unknown, context: CallContext): unknown
}

export function defineMethod<Params, Result>(definition: MethodDefinition<Params, Result>): Method {
  const { name, scope, params, result } = definition
  return {
    name,
    scope,
    result,
    call(raw, context) {
      const parsed = params.safeParse(raw ?? {})
      if (parsed.success) return definition.handle(parsed.data, context)
      const issue = parsed.error.issues[0]
      const path = issue?.path.join('.') ?? ''
      throw new AppError('request/invalid', `${path === '' ? 'params' : path}: ${issue?.message ?? 'not valid'}`)
    },
  }
}
