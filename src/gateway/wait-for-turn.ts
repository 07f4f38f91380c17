/** For those who wait for the end of a turn, or for the questions that it waits with. */
import type { Approval } from '../contracts/approval.ts'
import { AppError } from '../contracts/errors.ts'
import type { Store } from '../contracts/store.ts'
import type { TurnResult } from '../contracts/turn.ts'
import type { Company } from './company.ts'
import type { Gateway } from './gateway.ts'
import type { RunningTurns } from './running-turns.ts'

export function createWaits(store: Store, turns: RunningTurns, company: Company): Pick<Gateway, 'wait' | 'waitOrAsked'> {
  async function resultOf(turnId: string): Promise<TurnResult> {
    const result = await store.turns.result(turnId)
    if (result === null) throw new AppError('turn/not-found', turnId)
    return result
  }
  return {
    async wait(turnId, signal) {
      const running = turns.get(turnId) ?? (await company.find(turnId))
      return running === undefined ? resultOf(turnId) : orAborted(running.result, signal)
    },

    async waitOrAsked(turnId, signal) {
      const running = turns.get(turnId) ?? (await company.find(turnId))
      if (running === undefined) return resultOf(turnId)
      const asked = Promise.withResolvers<readonly Approval[]>()
      const leave = running.listen((event) => {
        if (event.type === 'approval-requested') asked.resolve(event.approvals)
      }, 'answers')
      try {
        if (company.mayWait(turnId)) {
          const questions = (await store.approvals.ofTurn(turnId)).filter(({ status }) => status === 'pending')
          if (questions.length > 0) return questions
        }
        return await orAborted(Promise.race([running.result, asked.promise]), signal)
      } finally {
        leave()
      }
    },
  }
}

async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
