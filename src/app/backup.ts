/** `cara backup` and `cara restore`: what of this installation goes into one file, and how it comes back. */
import type { BackupReport, RestoreReport } from '../cli/context.ts'
import { prepareStateDir, type Paths } from '../config/paths.ts'
import { AppError, exposed } from '../contracts/errors.ts'
import { loadAuditVerifier } from '../secrets/audit-keys.ts'
import { hasDataKey, loadDataKey } from '../secrets/data-key.ts'
import { createVault } from '../secrets/vault.ts'
import { CONFIG, DATABASE, type Manifest } from '../store/backup/manifest.ts'
import { beginReplacing, finishReplacing } from '../store/backup/replace-state.ts'
import { isRestoring } from '../store/backup/restore-places.ts'
import { isThere, stageBackup, type Staged } from '../store/backup/stage-backup.ts'
import { writeBackup } from '../store/backup/write-backup.ts'
import { inspectStore } from '../store/inspect-store.ts'
import { SCHEMA } from '../store/migrations.ts'
import { lockState } from '../store/state-lock.ts'
import { leaveReceipt } from '../telemetry/audit/inbox.ts'
import { loadSettings, type Environment } from './load-settings.ts'
import { refuseUnfinished } from './refuse-unfinished.ts'
import { configPassword, credentialStore, openSecrets, openVault } from './secrets.ts'
import { version } from './version.ts'

/** Of the state folder, what opens sealed values, and what was sealed with it for this installation. */
const isKey = (name: string) => name === 'keys' || name.endsWith('.sealed')

export interface BackupRequest {
  readonly output: string
  readonly keys: boolean
  readonly password: string | null
}

export async function backUp(env: Environment, paths: Paths, { output, keys, password }: BackupRequest): Promise<BackupReport> {
  refuseUnfinished(paths)
  prepareStateDir(paths.stateDir)
  const { config } = await loadSettings(env, paths, [], openSecrets(env, paths))
  const isShared = config.store.url !== undefined
  const { manifest, bytes } = await writeBackup(
    {
      stateDir: paths.stateDir,
      configFile: paths.configFile,
      database: isShared ? null : paths.database,
      isKey,
      auditKey: loadAuditVerifier(paths.stateDir)?.id ?? null,
      version,
      now: () => Date.now(),
    },
    { output, hasKeys: keys, password },
  )
  leaveReceipt(paths.audit, { kind: 'backup-made', keys, sealed: password !== null }, Date.now())
  const kind = keys ? openVault(env, paths).kind() : null
  return {
    file: output,
    bytes,
    sealed: password !== null,
    ...described(manifest),
    lacks: [
      'logs',
      'the workspace of commands',
      'copies from before upgrades',
      ...(isShared ? ['the database: it lies on a server, whose administrator makes its copies (pg_dump)'] : []),
      ...(keys ? [] : ['the keys: what is sealed opens on this installation alone']),
      ...(kind === 'os' ? ['the key in the credential store of the system: sealed secrets open on this machine alone'] : []),
      ...(kind === 'password' ? ['CARAPACE_CONFIG_PASSWORD, which opens its sealed secrets'] : []),
    ],
  }
}

export interface RestoreRequest {
  readonly file: string
  readonly force: boolean
  readonly dryRun: boolean
  readonly password: () => Promise<string>
}

export async function restore(env: Environment, paths: Paths, request: RestoreRequest, onStep: () => void = () => undefined): Promise<RestoreReport> {
  const { file, dryRun, password } = request
  prepareStateDir(paths.stateDir)
  if (dryRun) {
    const staged = await stageBackup(paths.stateDir, file, password, { apart: true })
    try {
      return await examined(env, paths, staged, request)
    } finally {
      await staged.remove()
    }
  }
  const lock = lockState(paths.lock)
  try {
    await finishReplacing(paths.stateDir)
    if (!request.force && isThere(paths.database, paths.configFile))
      throw new AppError('file/exists', 'this installation has data of its own', { hint: 'Replace it with --force; look first with --dry-run' })
    const staged = await stageBackup(paths.stateDir, file, password, { apart: false })
    try {
      const report = await examined(env, paths, staged, request)
      onStep()
      const removed = await staged.goes((name) => staged.manifest.hasKeys && isKey(name))
      await beginReplacing(paths.stateDir, { replaced: await staged.comes(), removed, configFile: staged.has(CONFIG) ? paths.configFile : null })
      onStep()
      await finishReplacing(paths.stateDir, onStep)
      leaveReceipt(paths.audit, { kind: 'restored', createdAt: staged.manifest.createdAt }, Date.now())
      return report
    } catch (error) {
      if (!isRestoring(paths.stateDir)) await staged.remove()
      throw error
    }
  } finally {
    lock.release()
  }
}

/** Throws where it must not come back; says what is worth knowing where it may. */
async function examined(env: Environment, paths: Paths, staged: Staged, { force }: RestoreRequest): Promise<RestoreReport> {
  const { manifest } = staged
  if ((manifest.schema ?? 0) > SCHEMA) throw new AppError('store/newer', undefined, { hint: 'Restore it with the newer carapace' })
  const warnings: string[] = []
  if (!manifest.hasKeys && manifest.auditKey !== null && manifest.auditKey !== (loadAuditVerifier(paths.stateDir)?.id ?? null)) {
    // Its receipts were signed with a key that is not here: nothing could be added to them.
    await staged.leaveOut('audit')
    warnings.push('the audit trail is left out: it was signed with a key that the backup does not hold')
  }
  if (staged.has(DATABASE)) {
    const problems = await problemsOf(env, paths, staged)
    if (problems.length > 0 && !force)
      throw new AppError('backup/invalid', `its database is not sound: ${problems[0]}`, { hint: 'Nothing was changed. Restore it all the same with --force' })
    warnings.push(...problems.map((problem) => `the database: ${problem}`))
  }
  if (staged.has(CONFIG)) {
    const stagedPaths = { ...paths, configFile: staged.configFile }
    await loadSettings(env, stagedPaths, []).catch((error: unknown) => void warnings.push(`the configuration: ${exposed(error).message}`))
  }
  return { createdAt: manifest.createdAt, version: manifest.version, ...described(manifest), warnings }
}

async function problemsOf(env: Environment, paths: Paths, staged: Staged): Promise<readonly string[]> {
  const keysIn = staged.manifest.hasKeys ? staged.folder : paths.stateDir
  const inspection = await inspectStore({
    path: staged.database,
    copies: staged.undo,
    backups: '',
    key() {
      if (!hasDataKey(keysIn)) throw new AppError('secrets/sealed', 'its texts are sealed, and the key is neither in the backup nor here')
      return loadDataKey(createVault(keysIn, configPassword(env), credentialStore(env)), keysIn)
    },
  })
  try {
    return await inspection.check()
  } finally {
    await inspection.close()
    await staged.tidy()
  }
}

function described({ members, schema, hasKeys }: Manifest): Pick<BackupReport, 'holds' | 'members'> {
  const under = (prefix: string) => members.filter(({ path }) => path.startsWith(prefix)).length
  const [copies, receipts] = [under('state/undo/'), under('state/audit/')]
  return {
    members: members.map(({ path, size }) => ({ path, size })),
    holds: [
      ...(schema === null ? [] : [`the database (schema ${schema})`]),
      ...(members.some(({ path }) => path === CONFIG) ? ['the configuration'] : []),
      ...(copies > 0 ? [`${copies} copies of replaced files`] : []),
      ...(receipts > 0 ? ['the audit trail'] : []),
      ...(hasKeys ? ['the keys, which open all that is sealed'] : []),
    ],
  }
}
