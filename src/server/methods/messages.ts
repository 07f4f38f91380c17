import * as z from 'zod'
import { messagesListResult, messagesTestResult } from '../../contracts/ws-results.ts'
import { defineMethod } from '../method.ts'

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
    return { to, ...(await deps.messages.announce({ to, text: TEST_TEXT, purpose: 'test', by: principal.id }, signal)) }
  },
})
