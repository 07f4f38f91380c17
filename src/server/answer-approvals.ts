/** `GET /v1/approvals?status=&sessionKey=&limit=` and `POST /v1/approvals/resolve {answers}`. */
import type * as z from 'zod'
import { AppError } from '../contracts/errors.ts'
import type { approvalsListResult, approvalsResolveResult } from '../contracts/ws/approvals.ts'
import { answersParams, listParams } from './approval-params.ts'
import { viewApproval } from './approval-view.ts'
import { readJson } from './read-body.ts'
import { sendJson } from './respond.ts'
import type { RouteCall } from './route.ts'

export async function listApprovals({ request, response, deps }: RouteCall): Promise<void> {
  const query = new URL(request.url ?? '', 'http://gateway.invalid').searchParams
  const given: Record<string, unknown> = Object.fromEntries(query)
  const limit = query.get('limit')
  const { status, sessionKey, ...more } = parsed(listParams, { ...given, ...(limit === null ? {} : { limit: Number(limit) }) })
  const { approvals, total } = await deps.gateway.approvals.list({ status, limit: more.limit, ...(sessionKey === undefined ? {} : { sessionKey }) })
  const body: z.input<typeof approvalsListResult> = { approvals: approvals.map(viewApproval), total }
  sendJson(response, 200, body)
}

export async function resolveApprovals({ request, response, facts, deps }: RouteCall): Promise<void> {
  if (facts.principal === null) throw new AppError('auth/unauthorized')
  const { answers } = parsed(answersParams, await readJson(request, { maxBytes: deps.config.maxBodyBytes, timeoutMs: deps.config.requestTimeoutMs }))
  const decided = await deps.gateway.approvals.resolve(answers, { by: facts.principal.id, door: 'http' })
  const body: z.input<typeof approvalsResolveResult> = { approvals: decided.map(viewApproval) }
  sendJson(response, 200, body)
}

function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new AppError('request/invalid', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`)
}
