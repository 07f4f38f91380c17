import * as z from 'zod'
import { messagesListResult, messagesTestResult } from '../../contracts/ws/messages.ts'
import { defineMethod } from '../method.ts'

/** So long the caller waits for word of the delivery. */
const PATIENCE_MS = 20_000
/** A test that comes later tells nobody anything. */
const WANTED_MS = 120_000
const TEST_TEXT = 'This is a test message of carapace. If you can read it, messages arrive here.'

export const messagesList = defineMethod({
  name: 'messages.list',
  scope: 'operator.read',
  params: z.strictObject({}),
  result: messagesListResult,
  handle: (_params, { deps }) => ({ destinations: [...deps.messages.destinations] }),
})

export const messagesTest = defineMethod({
  name: 'messages.test',
  scope: 'operator.write',
  params: z.strictObject({ to: z.string().min(1).max(64) }),
  result: messagesTestResult,
  async handle({ to }, { deps, principal, signal }) {
    const startedAt = deps.now()
    const { id, host, outcome } = await deps.messages.announce({ to, text: TEST_TEXT, purpose: 'test', by: principal.id, until: startedAt + WANTED_MS })
    const came = await outcome(PATIENCE_MS, signal)
    return { to, id, host, status: came.status, why: came.status === 'sent' ? null : came.why, ms: deps.now() - startedAt }
  },
})
