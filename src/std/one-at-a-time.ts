/** Runs tasks one after the other, in the order in which they came; one that fails does not hold up the next. */
export type OneAtATime = <T>(task: () => Promise<T>) => Promise<T>

export function oneAtATime(): OneAtATime {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const mine = last.then(task)
    last = mine.catch(() => undefined)
    return mine
  }
}
