import { setTimeout as delay } from 'node:timers/promises'

/** The machine's clock. */
export const systemClock = {
  now: () => Date.now(),
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    await delay(ms, undefined, { signal })
  },
}
