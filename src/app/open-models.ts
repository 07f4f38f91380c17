/** The way out, the providers, and the model that answers where nobody named one. */
import { createModelDirectory, type ModelDirectory } from '../agent/models.ts'
import type { EgressFetch, Resolve } from '../contracts/egress.ts'
import type { DefaultModel } from '../gateway/gateway.ts'
import { createGuardedFetch } from '../guard/guarded-fetch.ts'
import { createResolve } from '../net/resolve.ts'
import { createTransport } from '../net/transport.ts'
import type { Closers } from './closers.ts'
import { findModel } from './find-model.ts'
import type { Base } from './open-base.ts'
import { createProviderSet } from './provider-set.ts'

export interface Models {
  readonly fetch: EgressFetch
  readonly resolve: Resolve
  readonly models: ModelDirectory
  /** As far as it has been found. */
  defaultModel(): DefaultModel
  /** Resolves when it has been found; rejects when the one that was configured cannot be loaded. */
  found(): Promise<DefaultModel>
  /** After a change of settings: the one that is looked for now, or could not be found. */
  searched(): Promise<unknown>
  /** Ends the search. */
  stop(): void
}

export function openModels({ config, live, settings, shared, writer, log, report, clock }: Base, closers: Closers): Models {
  const transport = createTransport()
  closers.push(() => transport.close())
  const resolve = createResolve()
  const fetch = createGuardedFetch(transport, report, { resolve, secrets: config.secrets })
  const adapterDeps = { fetch, log, now: () => clock.now() }
  const providers = createProviderSet(config, adapterDeps)

  const stopping = new AbortController()
  let defaultModel: DefaultModel = { name: null, source: 'none', demo: false }
  const models = createModelDirectory({
    config: live,
    defaultModel: async () => (await search).name,
    providers,
  })
  const searchModel = () =>
    findModel(
      {
        config: live,
        sourceOf: (path) => settings.explain(path).source,
        load: (id) => models.provider(id),
        probe: async (signal) => {
          const { probeProviders } = await import('./probe-providers.ts')
          return probeProviders(providers, adapterDeps, signal)
        },
        log,
      },
      stopping.signal,
    ).then((found) => {
      defaultModel = found
      log.info('model.found', { model: found.name, source: found.source })
      return found
    })
  let search = searchModel()
  let searched: Promise<unknown> = search
  shared?.settings.onChanged((before) => {
    writer.setLevel(live.logging.level)
    if (before.agent.model === live.agent.model) return
    const next = searchModel()
    // Until it is found, the one before answers.
    searched = next.then(
      () => (search = next),
      (error: unknown) => log.error('model.unfound', { error }),
    )
  })

  return {
    fetch,
    resolve,
    models,
    defaultModel: () => defaultModel,
    found: () => search,
    searched: () => searched,
    stop: () => stopping.abort(),
  }
}
