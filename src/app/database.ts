/** `cara db`: what the database holds and whether it is sound, beside a gateway that runs or without one. */
import type { DatabaseInfo } from '../cli/context.ts'
import type { Paths } from '../config/paths.ts'
import { loadDataKey } from '../secrets/data-key.ts'
import { inspectStore, type DatabaseFacts, type Inspection } from '../store/inspect-store.ts'
import type { RetentionRule } from '../store/retention.ts'
import { refuseUnfinished } from './refuse-unfinished.ts'
import { loadSettings, type Environment } from './load-settings.ts'
import { openSecrets, openVault } from './secrets.ts'

export async function checkDatabase(env: Environment, paths: Paths): Promise<{ readonly problems: readonly string[] } & DatabaseInfo> {
  return inspect(env, paths, async (inspection, retention) => {
    const problems = await inspection.check()
    return { problems, ...described(await inspection.facts(), retention) }
  })
}

export async function databaseInfo(env: Environment, paths: Paths): Promise<DatabaseInfo> {
  return inspect(env, paths, async (inspection, retention) => described(await inspection.facts(), retention))
}

type Days = Readonly<Record<string, number | undefined>>

async function inspect<T>(env: Environment, paths: Paths, work: (inspection: Inspection, retention: Days) => Promise<T>): Promise<T> {
  refuseUnfinished(paths)
  const vault = openVault(env, paths)
  const { config } = await loadSettings(env, paths, [], openSecrets(env, paths, vault))
  const inspection = await inspectStore({
    path: paths.database,
    url: config.store.url?.reveal(),
    copies: paths.undo,
    backups: paths.backups,
    key: () => loadDataKey(vault, paths.stateDir),
  })
  try {
    return await work(inspection, config.retention)
  } finally {
    await inspection.close()
  }
}

function described({ tables, ...facts }: DatabaseFacts, retention: Days): DatabaseInfo {
  return { ...facts, tables: tables.map(({ table, rows, rule }) => ({ table, rows, kept: kept(rule, retention) })) }
}

function kept(rule: RetentionRule, retention: Days): string {
  if ('because' in rule) return rule.because
  if ('ms' in rule) return `${rule.ms / 60_000} min`
  const keys = typeof rule.days === 'string' ? [rule.days] : rule.days
  return keys.map((key) => `retention.${key}: ${retention[key] === undefined ? 'for good' : `${retention[key]} days`}`).join(', ')
}
