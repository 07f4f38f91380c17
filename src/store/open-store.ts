/** Opens the store of a state folder: engine, schema, and the parts that read and write it. */
import { AppError } from '../contracts/errors.ts'
import type { ClusterStore } from '../contracts/cluster.ts'
import type { Database, Store } from '../contracts/store.ts'
import { createApprovalStore } from './approvals.ts'
import { createDeviceStore } from './devices.ts'
import { createLimitStore } from './limits.ts'
import { createJobStore } from './jobs.ts'
import { createMemoryStore } from './memory.ts'
import { migrate, SCHEMA } from './migrations.ts'
import { createOutboxStore } from './outbox.ts'
import { createRefusalStore } from './refusals.ts'
import { createSessionStore } from './sessions.ts'
import { openSqlite, type SqliteOptions } from './sqlite-database.ts'
import { createTexts, type SwitchableTexts } from './texts.ts'
import { readTextState } from './text-state.ts'
import { createTaskStore } from './tasks.ts'
import { createTurnStore } from './turns.ts'
import { createUndoStore } from './undo-steps.ts'
import type { UpgradeBackups } from './upgrade-backup.ts'
import { createUsageStore } from './usage.ts'

export interface StoreOptions extends Omit<SqliteOptions, 'texts' | 'readOnly'> {
  /** Where a copy is kept before an upgrade of the schema; without it none is made. */
  readonly backups?: UpgradeBackups
  /** Of a server that several gateways share; without it the file at `path` is used. */
  readonly url?: string | undefined
  /** Bring the schema up to date although gateways of an older version use it: they can write nothing more. */
  readonly migrate?: boolean
  /**
   * Whether texts are to be sealed, and the key, asked for where it is needed. Without it they stay as they are, and sealed ones cannot be read. `copies`: the
   * folder of copies of replaced files, which follow.
   */
  readonly encrypt?: { readonly isOn: boolean; readonly key: () => Buffer; readonly copies?: string }
}

export async function openStore(options: StoreOptions): Promise<Store> {
  const texts = createTexts()
  if (options.url !== undefined) return openShared({ ...options, url: options.url }, texts)
  const database = openSqlite({ ...options, texts })
  await orClose(database, async () => {
    const { backups } = options
    await migrate(database, async (from) => {
      if (backups !== undefined) await (await import('./upgrade-backup.ts')).backUpBeforeUpgrade(database, backups, { from, to: SCHEMA }, Date.now())
    })
    await settleTexts(database, texts, options.encrypt)
    await settleErasing(database)
  })
  return storeOver(database)
}

async function openShared({ url, encrypt, migrate: isTold = false }: StoreOptions & { readonly url: string }, texts: SwitchableTexts): Promise<Store> {
  const [{ openPostgres }, { refuseWhileOlderOnesRun }, { createClusterStore }] = await Promise.all([
    import('./postgres-database.ts'),
    import('./older-nodes.ts'),
    import('./cluster.ts'),
  ])
  const patient = await openPostgres({ url, texts, statementMs: SETTLE_MS })
  try {
    if (!isTold) await refuseWhileOlderOnesRun(patient)
    await migrate(patient)
    await settleTexts(patient, texts, encrypt)
    await settleErasing(patient)
    if (encrypt !== undefined && texts.isSealed) await checkKey(patient, texts)
  } finally {
    await patient.close()
  }
  const shared = await openPostgres({ url, texts, schema: SCHEMA })
  return storeOver(shared, createClusterStore(shared))
}

/** Nodes with different keys would each write what the others cannot read. Throws `secrets/sealed`. */
async function checkKey(database: Database, texts: SwitchableTexts): Promise<void> {
  const name = 'texts-key'
  const sealed = texts.sealed('meta.value', name, 'the same key')
  await database.commit([{ sql: 'INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING', params: [name, sealed] }])
  const [row] = await database.query('SELECT value FROM meta WHERE name = $1', [name])
  try {
    texts.open('meta.value', name, String(row?.['value']))
  } catch (error) {
    throw new AppError('secrets/sealed', 'the texts of this database are sealed with another key', {
      cause: error,
      hint: 'Give this node the key of the others: the same CARAPACE_CONFIG_PASSWORD, or a copy of their key file',
    })
  }
}

/** What changes every row may take its time. */
const SETTLE_MS = 60 * 60_000

async function orClose(database: Database, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    await database.close()
    throw error
  }
}

/** Brings the texts into the form that is wanted, where they have another or were on the way to one. */
async function settleTexts(database: Database, texts: SwitchableTexts, encrypt: StoreOptions['encrypt']): Promise<void> {
  const state = await readTextState(database)
  if (encrypt === undefined) return state === 'plain' ? undefined : texts.become('locked', null)
  const wanted = encrypt.isOn ? 'sealed' : 'plain'
  if (state === 'plain' && wanted === 'plain') return
  const key = encrypt.key()
  if (state === wanted) {
    texts.become('sealed', key)
    // Copies that were made before they were sealed.
    if (encrypt.copies !== undefined) await (await import('./undo-copies.ts')).convertCopies(encrypt.copies, texts, wanted, () => undefined)
    return
  }
  const { convertTexts } = await import('./convert-texts.ts')
  await convertTexts(database, texts, key, wanted, encrypt.copies ?? null)
}

async function settleErasing(database: Database): Promise<void> {
  const [row] = await database.query('SELECT value FROM meta WHERE name = $1', ['erasing'])
  if (row !== undefined) await (await import('./erase-conversation.ts')).finishErasing(database)
}

/** The parts of the store over an engine whose schema stands. */
export function storeOver(database: Database, cluster: ClusterStore | null = null): Store {
  return {
    texts: database.texts,
    sessions: createSessionStore(database),
    turns: createTurnStore(database),
    memory: createMemoryStore(database),
    usage: createUsageStore(database),
    undo: createUndoStore(database),
    approvals: createApprovalStore(database),
    refusals: createRefusalStore(database),
    devices: createDeviceStore(database),
    limits: createLimitStore(database),
    outbox: createOutboxStore(database),
    async *forgetOld(limits, now) {
      const { forgetOld } = await import('./retention.ts')
      yield* forgetOld(database, limits, now)
    },
    cluster,
    conversationFacts: async (key) => (await import('./conversation-data.ts')).conversationFacts(database, key),
    conversationData: async (key, kind, offset) => (await import('./conversation-data.ts')).conversationData(database, key, kind, offset),
    eraseConversation: async (key, places) => (await import('./erase-conversation.ts')).eraseConversation(database, key, places),
    check: () => checkAll(database),
    jobs: createJobStore(database),
    tasks: createTaskStore(database),
    size: () => database.size(),
    faults: () => database.faults(),
    close: () => database.close(),
  }
}

/** What the engine finds, then what must hold between the rows. */
export async function checkAll(database: Database): Promise<readonly string[]> {
  const damaged = await database.check()
  try {
    const { checkInvariants } = await import('./check-invariants.ts')
    return [...damaged, ...(await checkInvariants(database))]
  } catch (error) {
    // A damaged file may be so damaged that it cannot be read at all.
    if (damaged.length > 0) return damaged
    throw error
  }
}
