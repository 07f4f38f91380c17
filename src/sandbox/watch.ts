/** Looks at what the processes of a run use together, where the kernel counts for each of them alone. Linux tells it under `/proc`; elsewhere only the disk is watched. */
import { readFileSync, readdirSync, statfsSync } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ended, SandboxLimits } from '../contracts/sandbox.ts'

const EVERY_MS = 40
/** Of the time that looking takes, so that a machine with thousands of processes is not kept busy by it. */
const REST_FACTOR = 15
/** Others who free as much as a run writes hide it for this long at most. */
const MEASURE_EVERY_MS = 2000
const PAGE_BYTES = 4096
const MAX_ENTRIES = 200_000

export interface Watch {
  close(): void
}

export function watchProcesses(leader: number, limits: SandboxLimits, writable: readonly string[], onLimit: (ended: Ended) => void): Watch {
  const free = writable.map((folder) => ({ folder, bytes: freeBytes(folder) }))
  let isClosed = false
  let measuredAt = performance.now()
  let timer: NodeJS.Timeout | undefined
  const look = async () => {
    const startedAt = performance.now()
    const { processes, memoryBytes } = usageOf(leader)
    const over: Ended | null =
      memoryBytes > limits.memoryBytes ? 'memory' : processes > limits.maxProcesses ? 'processes' : (await hasGrown(free, limits)) ? 'disk' : null
    if (isClosed) return
    if (over !== null) onLimit(over)
    timer = setTimeout(again, Math.max(EVERY_MS, REST_FACTOR * (performance.now() - startedAt)))
  }
  // What cannot be looked at any more is gone.
  const again = () => void look().catch(() => undefined)
  const sizes = Promise.all(writable.map(sizeOf))
  const hasGrown = async (places: typeof free, { maxDiskBytes }: SandboxLimits): Promise<boolean> => {
    // Others write to the same disk: a folder is measured when the disk has lost as much, and now and then.
    const isDue = performance.now() - measuredAt >= MEASURE_EVERY_MS
    if (!isDue && places.every(({ folder, bytes }) => bytes - freeBytes(folder) <= maxDiskBytes)) return false
    const [before, now] = await Promise.all([sizes, Promise.all(writable.map(sizeOf))])
    measuredAt = performance.now()
    return sum(now) - sum(before) > maxDiskBytes
  }
  again()
  return {
    close() {
      isClosed = true
      clearTimeout(timer)
    },
  }
}

interface Usage {
  readonly processes: number
  readonly memoryBytes: number
}

/** Of everything below the leader and in its group. */
function usageOf(leader: number): Usage {
  const all = processTable()
  const members = new Set([leader])
  for (let size = 0; size !== members.size;) {
    size = members.size
    for (const { pid, parent, group } of all) if (group === leader || members.has(parent)) members.add(pid)
  }
  const own = all.filter(({ pid }) => members.has(pid))
  return { processes: own.length, memoryBytes: own.reduce((sum, { pages }) => sum + pages * PAGE_BYTES, 0) }
}

function processTable(): readonly { readonly pid: number; readonly parent: number; readonly group: number; readonly pages: number }[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const line = readFileSync(`/proc/${name}/stat`, 'utf8')
        // The name in brackets may hold anything.
        const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
        return [{ pid: Number(name), parent: Number(fields[1]), group: Number(fields[2]), pages: Number(fields[21]) }]
      } catch {
        return []
      }
    })
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0)
}

function freeBytes(folder: string): number {
  const { bfree, bsize } = statfsSync(folder)
  return bfree * bsize
}

/** Bytes on the disk, links not followed. More entries than anybody needs count as more bytes than anybody may have. */
async function sizeOf(folder: string): Promise<number> {
  let bytes = 0
  let entries = 0
  const waiting = [folder]
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    for (const entry of await readdir(at, { withFileTypes: true }).catch(() => [])) {
      if (++entries > MAX_ENTRIES) return Infinity
      const path = join(at, entry.name)
      if (entry.isDirectory()) waiting.push(path)
      else
        bytes += await lstat(path).then(
          ({ blocks }) => blocks * 512,
          () => 0,
        )
    }
  }
  return bytes
}
