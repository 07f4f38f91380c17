/** Asks a vendor whether credentials work, without writing them anywhere. */
import * as z from 'zod/mini'
import { systemClock } from '../std/clock.ts'
import { AppError } from '../contracts/errors.ts'
import { parseTelling } from '../contracts/fields.ts'
import type { Log } from '../contracts/log.ts'
import type { Provider } from '../contracts/provider.ts'
import { createGuardedFetch } from '../guard/guarded-fetch.ts'
import { createTransport } from '../net/transport.ts'
import { providerModules } from './registry/providers.ts'

const PATIENCE_MS = 15_000

export async function tryProvider(id: string, section: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const module = providerModules.find((one) => one.id === id)
  if (module === undefined) throw new AppError('provider/unknown', id, { hint: `Providers: ${providerModules.map((one) => one.id).join(', ')}` })
  const parsed = await parseTelling(module.config, section)
  if (!parsed.success) throw new AppError('config/invalid', z.prettifyError(parsed.error))
  const transport = createTransport()
  try {
    const fetch = createGuardedFetch(transport, () => undefined)
    const made = await module.create(parsed.data, { fetch, log: silent, now: () => systemClock.now() })
    const providers: readonly Provider[] = 'stream' in made ? [made] : made
    const lists = await Promise.all(providers.map((provider) => provider.listModels(AbortSignal.timeout(PATIENCE_MS))))
    return lists.flat().map((model) => model.id)
  } finally {
    await transport.close()
  }
}

const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
