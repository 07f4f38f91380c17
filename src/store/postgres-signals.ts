/** LISTEN and NOTIFY. A connection of its own hears; when it is lost another one is made, and whoever listens is told that something may have been missed. */
import type { Signals, Statement } from '../contracts/store.ts'
import type { Pool, PostgresSettings } from './postgres-database.ts'

const CHANNEL = 'carapace'
const AGAIN_MS = 250

export interface PostgresSignals extends Signals {
  close(): Promise<void>
}

export function createSignals(open: (more: Partial<PostgresSettings>) => Pool): PostgresSignals {
  const ends = new Set<() => Promise<void>>()
  return {
    statement: (words): Statement => ({ sql: `SELECT pg_notify('${CHANNEL}', $1)`, params: [words] }),
    async listen(hear, onGap) {
      let isOver = false
      let current: Pool | null = null
      let timer: NodeJS.Timeout | undefined
      const connect = async (): Promise<void> => {
        let isLost = false
        const lost = () => {
          if (isLost || isOver) return
          isLost = true
          void connection.end({ timeout: 0 }).catch(() => undefined)
          timer = setTimeout(() => void connect(), AGAIN_MS)
        }
        const connection = open({ max: 1, idle_timeout: undefined, max_lifetime: null, onnotify: (_channel, words) => hear(words), onclose: lost })
        current = connection
        try {
          await connection.unsafe(`LISTEN ${CHANNEL}`)
          if (!isOver) onGap()
        } catch {
          lost()
        }
      }
      const end = async () => {
        isOver = true
        clearTimeout(timer)
        ends.delete(end)
        await current?.end({ timeout: 0 })
      }
      ends.add(end)
      await connect()
      return end
    },
    async close() {
      await Promise.all([...ends].map((end) => end()))
    },
  }
}
