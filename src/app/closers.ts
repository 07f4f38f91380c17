/** How to end what was begun, in the order in which it was begun. */
export type Closers = (() => unknown)[]

/** Last opened, first closed; one that fails does not keep the others open. */
export async function closeAll(closers: Closers): Promise<void> {
  for (const close of closers.toReversed()) {
    try {
      await close()
    } catch {
      // What cannot be closed ends with the process.
    }
  }
  closers.length = 0
}
