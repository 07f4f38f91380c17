import { setTimeout as sleep } from 'node:timers/promises'

/** Looks again and again, for what nobody tells (another process, a pool of threads); fails after `ms`. */
export async function until(isSo: () => boolean | Promise<boolean>, ms = 20_000): Promise<void> {
  for (const patience = performance.now() + ms; !(await isSo());) {
    if (performance.now() > patience) throw new Error('it never came')
    await sleep(25)
  }
}
