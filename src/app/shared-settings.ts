/**
 * The shared settings on this node: kept in the store with a version, applied while it runs. What cannot be applied here leaves the ones before in force, and the list of nodes says why. It
 * looks when it is told of a change and with every sign of life, so that what it did not hear of reaches it a second later.
 */
import type { AuditTrail } from '../contracts/audit.ts'
import type { SettingsStore } from '../contracts/cluster.ts'
import type { Clock } from '../contracts/clock.ts'
import { AppError, exposed } from '../contracts/errors.ts'
import type { JsonValue } from '../contracts/json.ts'
import type { Log } from '../contracts/log.ts'
import type { Settings, SharedSettings, SharedValues } from '../contracts/settings.ts'
import { liveConfig, readShared, withChange } from '../config/shared-keys.ts'
import type { LoadedConfig } from '../config/load.ts'
import type { Config, Sections } from '../config/schema.ts'

export interface SharedSettingsDeps {
  readonly store: SettingsStore
  readonly started: LoadedConfig
  readonly sections: Sections
  readonly audit: AuditTrail
  readonly clock: Clock
  readonly log: Log
}

/** Of two changes at the same moment one is tried again. */
const MAX_TRIES = 5
const MAX_FAULT = 300

export class NodeSettings implements SharedSettings {
  readonly #deps: SharedSettingsDeps
  readonly #listeners = new Set<(before: Config) => void>()
  #current: LoadedConfig
  #version = 0
  /** The newest that was looked at. */
  #seen = 0
  #fault: string | null = null
  #looking: Promise<void> = Promise.resolve()

  constructor(deps: SharedSettingsDeps) {
    this.#deps = deps
    this.#current = deps.started
  }

  /** The version that holds here. */
  get version(): number {
    return this.#version
  }

  /** Why the newest version does not hold here, or not wholly. */
  get fault(): string | null {
    return this.#fault
  }

  /** Its shared keys are always the newest. */
  config(): Config {
    return liveConfig(this.#deps.started.config, () => this.#current.config)
  }

  settings(): Settings {
    const current = () => this.#current.settings
    return {
      redacted: () => current().redacted(),
      get: (path) => current().get(path),
      explain: (path) => current().explain(path),
      schema: () => current().schema(),
      get hash() {
        return current().hash
      },
      file: current().file,
    }
  }

  /** Called after each change that was applied. */
  onChanged(listener: (before: Config) => void): void {
    this.#listeners.add(listener)
  }

  /** There is this version; one look at a time. */
  look(version: number): Promise<void> {
    this.#looking = this.#looking.then(() => (version > this.#seen ? this.#apply() : undefined))
    return this.#looking
  }

  read(): Promise<SharedValues> {
    return this.#deps.store.read()
  }

  async change(path: string, given: JsonValue, by: string): Promise<number> {
    const { store, started, sections, audit, clock } = this.#deps
    const value = given === null ? null : await readShared(sections, path, given)
    const at = clock.now()
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const known = await store.read()
      if (value === null && !known.values.some((each) => each.path === path)) {
        throw new AppError('config/unknown-key', `${path} is not shared`, { hint: 'cara cluster status lists what is' })
      }
      const version = known.version + 1
      await started.withShared(withChange(known.values, { path, value, version, by, at }))
      if (!(await store.change({ path, value, by, at }, known.version))) continue
      audit.note({ kind: 'config-changed', path: path.slice(0, 256), action: value === null ? 'unset' : 'set', by })
      await this.look(version)
      return version
    }
    throw new AppError('store/conflict')
  }

  async #apply(): Promise<void> {
    const { store, started, log } = this.#deps
    let newest = 0
    try {
      const { version, values } = await store.read()
      newest = version
      const before = this.#current.config
      this.#current = await started.withShared(values)
      this.#version = version
      this.#fault = this.#overridden(values)
      log.info('settings.applied', { version, fault: this.#fault })
      for (const listener of this.#listeners) listener(before)
    } catch (error) {
      const { code, message } = exposed(error)
      // Where the store could not be read, the next sign of life looks again.
      if (newest === 0) {
        log.warn('settings.unread', { error })
        return
      }
      this.#fault = `${code}: ${message}`.slice(0, MAX_FAULT)
      log.error('settings.refused', { version: newest, error })
    }
    this.#seen = newest
  }

  /** What a variable or a flag of this node says otherwise. */
  #overridden(values: SharedValues['values']): string | null {
    const { settings } = this.#current
    const told = values.flatMap(({ path }) => {
      const { source, from } = settings.explain(path)
      return source === 'environment' || source === 'flag' ? [`${path}: ${from ?? source} says otherwise here`] : []
    })
    return told.length === 0 ? null : told.join('; ').slice(0, MAX_FAULT)
  }
}
