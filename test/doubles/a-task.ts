/** A task that nothing has become of yet. */
import { OWNER } from '../../src/contracts/origin.ts'
import type { Task } from '../../src/contracts/task.ts'

export function aTask(id: string, more: Partial<Task> = {}): Task {
  return {
    id,
    prompt: `do ${id}`,
    origin: OWNER,
    model: null,
    policy: { maxAttempts: 3, maxTotalRuntimeMs: 1000, maxTurns: 3, maxRunTimeoutSeconds: 1 },
    credential: null,
    by: 'owner',
    begunAt: 1,
    sessionKey: `task:${id}`,
    state: 'queued',
    attempts: 0,
    runIds: [],
    turnId: null,
    nextAt: 1,
    runUntil: null,
    blockedReason: null,
    lastError: null,
    since: 1,
    version: 1,
    createdAt: 1,
    endedAt: null,
    ...more,
  }
}
