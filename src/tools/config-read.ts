import * as z from 'zod'
import type { Settings } from '../contracts/settings.ts'
import type { Tool } from '../contracts/tool.ts'
import { cut } from './listing.ts'
import { reading } from './reading.ts'

const input = z.strictObject({ path: z.string().max(256).optional().describe('Such as gateway.port') })

export function configRead(settings: Pick<Settings, 'get' | 'redacted'>): Tool<z.infer<typeof input>> {
  return {
    name: 'config_read',
    description: "The gateway's own configuration, without secrets.",
    input,
    manifest: reading({ trust: 'trusted', private: true, curated: false, records: false }),
    async run({ path }) {
      const value = path === undefined || path === '' ? settings.redacted() : settings.get(path)
      return { output: cut(JSON.stringify(value), 48_000) }
    },
  }
}
