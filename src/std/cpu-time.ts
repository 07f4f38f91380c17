/** Milliseconds of processor time that this thread spends on something: what else the machine does meanwhile does not count. */
export function cpuMs(run: () => unknown): number {
  const from = process.threadCpuUsage()
  run()
  const { user, system } = process.threadCpuUsage(from)
  return (user + system) / 1000
}
