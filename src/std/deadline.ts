/** Runs something under a signal that also aborts after `ms`. Leaves no timer and no listener behind, unlike `AbortSignal.timeout` under `AbortSignal.any`. */
export async function withDeadline<T>(ms: number, outer: AbortSignal, run: (signal: AbortSignal, expired: () => boolean) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  let isExpired = false
  const timer = setTimeout(() => {
    isExpired = true
    controller.abort(new DOMException('The time is up', 'TimeoutError'))
  }, ms)
  const abort = () => controller.abort(outer.reason)
  if (outer.aborted) abort()
  else outer.addEventListener('abort', abort, { once: true })
  try {
    return await run(controller.signal, () => isExpired)
  } finally {
    clearTimeout(timer)
    outer.removeEventListener('abort', abort)
  }
}

/**
 * The same for what outlives the call: a signal that aborts with `reason()` after `ms`, or with the outer signal's reason, until it is closed. Keeps no process
 * alive: what it ends does.
 */
export function openDeadline(ms: number, outer: AbortSignal, reason: () => Error): { readonly signal: AbortSignal; readonly close: () => void } {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(reason()), ms).unref()
  const abort = () => controller.abort(outer.reason)
  if (outer.aborted) abort()
  else outer.addEventListener('abort', abort, { once: true })
  const close = () => {
    clearTimeout(timer)
    outer.removeEventListener('abort', abort)
  }
  return { signal: controller.signal, close }
}
