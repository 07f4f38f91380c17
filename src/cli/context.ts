/** What every command gets. `app/main.ts` fills it in, so that the command line stands on the same services as the gateway. */
import type { Readable, Writable } from 'node:stream'
import type { Settings } from '../contracts/settings.ts'
import type { AuditVerdict } from '../telemetry/audit/verify.ts'
import type { GatewayClient } from '../net/gateway-client.ts'

export interface CliContext {
  readonly io: Terminal
  readonly env: Readonly<Record<string, string | undefined>>
  readonly version: string
  readonly services: CliServices
}

export interface Terminal {
  write(text: string): void
  writeError(text: string): void
  readonly isTerminal: boolean
  readonly isInputTerminal: boolean
  readonly columns: number
  readonly color: boolean
  readonly input: Readable
  /** Where prompts and line editing draw; the same place as `write`. */
  readonly output: Writable
  /** While somebody listens, Ctrl-C and SIGTERM do not end the process. Returns the way to stop listening. */
  onSignal(listener: (signal: 'SIGINT' | 'SIGTERM') => void): () => void
}

/** What only the composition root can do. Each member loads its code when called. */
export interface CliServices {
  paths(): Paths
  /** Reads file, environment and flags; throws `config/invalid` with every problem. */
  settings(): Promise<Settings>
  /** Edits the file and keeps its comments; validates before it writes. `value` is JSON5 text or plain text. */
  setConfig(path: string, value: string): Promise<void>
  unsetConfig(path: string): Promise<void>
  /** Starts a gateway in this process. */
  startGateway(options: StartOptions): Promise<RunningGateway>
  /** Connects to the gateway that serves this state folder (or `host`/`port`), or throws `gateway/unreachable`. */
  connect(target: GatewayTarget): Promise<GatewayClient>
  /** Providers as the setup wizard offers them, in registry order. */
  providers(): Promise<readonly ProviderOffer[]>
  /** Asks the vendor whether the credentials of this section work; the section is not written. Returns its models. */
  tryProvider(id: string, section: Readonly<Record<string, string>>): Promise<readonly string[]>
  /** The token that opens the gateway of this state folder; made where there is none yet. */
  token(): Promise<string>
  /** A new token in its place; the old one opens nothing more within a second, in a gateway that runs too. Throws `auth/fixed`. */
  rotateToken(): Promise<string>
  /** Names and places of secrets, never values. */
  secrets(): Promise<SecretListing>
  /** Seals a value and writes it; `hosts` for a named secret. Returns its path. */
  setSecret(name: string, value: string, hosts: readonly string[]): Promise<string>
  deleteSecret(name: string): Promise<string>
  /** One host more for a named secret; returns all. */
  allowSecret(name: string, host: string): Promise<readonly string[]>
  /** Seals every plain secret of the file; returns their paths. */
  sealSecrets(): Promise<readonly string[]>
  /** Seals everything again with a new key. */
  rotateSecrets(to: 'os' | 'file' | 'password' | null, newPassword: string | null): Promise<SecretsRotated>
  /** The password by which browsers log in; null takes it away. Sessions end within a second. Throws `auth/weak-password`. */
  setPassword(password: string | null): Promise<void>
  /** Makes this machine a device of a gateway elsewhere; resolves when its owner has said yes. */
  pair(
    request: { readonly url: string; readonly name: string; readonly scopes: readonly string[] },
    onStep: (step: PairStep) => void,
    signal: AbortSignal,
  ): Promise<void>
  /** Whether the audit trail is what was written. `anchor` is a `SEQ:HASH` that an earlier call gave. */
  auditVerify(anchor: string | null): Promise<AuditVerdict>
  /** The newest receipts, oldest of them first; of one kind and of one turn, where these are given. */
  auditShow(query: { readonly limit: number; readonly kind: string | null; readonly turn: string | null }): Promise<readonly AuditLine[]>
  /** What could be safer, the gravest first, and how many things were looked at. */
  securityAudit(): Promise<{ readonly findings: readonly SecurityFinding[]; readonly checks: number }>
  /** What the database holds, and what is wrong with it; beside a gateway that runs, too. */
  checkDatabase(): Promise<{ readonly problems: readonly string[] } & DatabaseInfo>
  databaseInfo(): Promise<DatabaseInfo>
  /** Throws `backup/unmade`, `file/exists`. */
  backUp(request: { readonly output: string; readonly keys: boolean; readonly password: string | null }): Promise<BackupReport>
  /** Throws `backup/invalid`, `state/locked`, `file/exists`. With `dryRun` everything is looked at and nothing changes. */
  restore(request: {
    readonly file: string
    readonly force: boolean
    readonly dryRun: boolean
    readonly password: () => Promise<string>
  }): Promise<RestoreReport>
  /** Checks of the machine, state folder, configuration, database and models. */
  doctor(): Promise<readonly Finding[]>
}

export interface SecretListing {
  /** What new values are sealed with; null where nothing was sealed yet. */
  readonly keyKind: 'os' | 'file' | 'password' | null
  readonly secrets: readonly {
    readonly name: string
    readonly path: string
    readonly form: 'sealed' | 'plain' | 'reference' | 'environment'
    /** The variable that it comes from. */
    readonly from: string | null
    readonly use: string
  }[]
}

export interface SecretsRotated {
  readonly kind: 'os' | 'file' | 'password'
  /** Whether an interrupted change was finished instead. */
  readonly resumed: boolean
  readonly sealedAgain: readonly string[]
  readonly warnings: readonly string[]
}

export interface SecurityFinding {
  /** Stable. */
  readonly check: string
  readonly severity: 'critical' | 'high' | 'medium' | 'low'
  readonly detail: string
  /** A command, where there is one. */
  readonly fix: string
}

/** What the owner is shown, to compare. */
export interface PairStep {
  readonly requestId: string
  readonly fingerprint: string
}

export interface DatabaseInfo {
  /** Its name. */
  readonly engine: string
  /** Version of the schema, and the newest that this program knows. */
  readonly schema: number
  readonly newest: number
  readonly bytes: number
  readonly texts: 'plain' | 'sealed' | 'changing'
  /** `kept`: for how long, or why nothing is forgotten. */
  readonly tables: readonly { readonly table: string; readonly rows: number; readonly kept: string }[]
  /** From before upgrades. */
  readonly backups: readonly { readonly file: string; readonly bytes: number }[]
}

export interface BackupReport {
  readonly file: string
  readonly bytes: number
  readonly sealed: boolean
  readonly holds: readonly string[]
  readonly lacks: readonly string[]
  readonly members: readonly { readonly path: string; readonly size: number }[]
}

export interface RestoreReport {
  readonly createdAt: number
  /** Of the program that made it. */
  readonly version: string
  readonly holds: readonly string[]
  readonly members: readonly { readonly path: string; readonly size: number }[]
  readonly warnings: readonly string[]
}

/** A receipt as it is written. */
export interface AuditLine {
  readonly seq: number
  readonly at: number
  readonly kind: string
  readonly [fact: string]: string | number | boolean | null | readonly string[] | undefined
}

export interface Paths {
  readonly configFile: string
  readonly stateDir: string
  readonly logFile: string
  readonly database: string
}

export interface GatewayTarget {
  /** A name, an address, or the URL of a gateway that this machine is a device of. */
  readonly host?: string
  readonly port?: number
}

export interface StartOptions {
  readonly host?: string
  readonly port?: number
  /** Serve only this process' own client: no fixed port, no ready line. */
  readonly embedded?: boolean
  /** Change the schema of a shared store although gateways of an older version use it. */
  readonly migrate?: boolean
}

export interface RunningGateway {
  readonly url: string
  readonly model: { readonly name: string | null; readonly source: string; readonly demo: boolean }
  /** What should be changed in the configuration; each says how. */
  readonly warnings: readonly string[]
  /** Drains running turns, closes the store. Idempotent. */
  stop(): Promise<void>
  /** Resolves when it has stopped. */
  readonly stopped: Promise<void>
}

export interface ProviderOffer {
  readonly id: string
  readonly summary: string
  /** Fields the wizard asks for: config path in the section, label, whether to hide the input. */
  readonly fields: readonly { readonly path: string; readonly label: string; readonly secret: boolean; readonly required: boolean; readonly env?: string }[]
}

export interface Finding {
  readonly name: string
  readonly status: 'pass' | 'warn' | 'fail'
  readonly detail: string
  /** What to do about it. */
  readonly next?: string
}
