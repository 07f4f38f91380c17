/**
 * The error catalogue: every operational fault, with its HTTP status, whether trying again may help, and a message that is safe to show.
 * Expected outcomes are values, not errors; anything that is not an AppError is a defect and is shown as `internal`.
 */
const CATALOGUE = {
  'auth/unauthorized': [401, false, 'The credential is missing or wrong'],
  'auth/locked-out': [429, true, 'Too many failed attempts'],
  'auth/forbidden': [403, false, 'This credential lacks the scope for that'],
  'auth/csrf': [403, false, 'A change by a browser session needs its CSRF token and its own Origin'],
  'auth/ended': [401, false, 'This credential has ended'],
  'auth/weak-password': [400, false, 'This password is too easy to guess'],
  'auth/fixed': [409, false, 'The token of this gateway comes from its environment'],
  'auth/device-proof': [401, false, 'The device did not prove that it holds its key'],
  'pair/full': [429, true, 'Too many devices wait to be admitted'],
  'pair/not-found': [404, false, 'There is no such request of a device'],
  'device/not-found': [404, false, 'There is no such device'],
  'request/host-unknown': [421, false, 'This Host is not served here'],
  'request/origin-refused': [403, false, 'This Origin is not allowed'],
  'request/proxied': [403, false, 'Proxy headers are refused'],
  'request/rate-limited': [429, true, 'Too many requests'],
  'request/too-large': [413, false, 'The request body is too large'],
  'request/headers-too-large': [431, false, 'The request headers are too large'],
  'request/timeout': [408, true, 'The request body came too slowly'],
  'request/invalid': [400, false, 'The request is not valid'],
  'request/not-found': [404, false, 'There is nothing at this address'],
  'request/method': [405, false, 'This method is not supported here'],
  'guard/blocked': [403, false, 'The guard refused this'],
  'approval/not-found': [404, false, 'There is no such question'],
  'approval/decided': [409, false, 'This question is decided already'],
  'approval/changed': [409, false, 'This is not what was asked'],
  'approval/denied': [403, false, 'The owner said no'],
  'approval/expired': [403, false, 'Nobody answered in time'],
  'approval/too-many': [429, false, 'Too many questions wait for the owner'],
  'config/invalid': [400, false, 'The configuration is not valid'],
  'config/unreadable': [500, false, 'The configuration cannot be read'],
  'config/unknown-key': [400, false, 'There is no such configuration key'],
  'config/not-shared': [409, false, 'This is not shared: each node has it for itself'],
  'store/unavailable': [503, true, 'The database cannot be used'],
  'store/conflict': [409, true, 'Somebody else changed this first'],
  'store/corrupt': [503, false, 'The database is damaged'],
  'store/newer': [503, false, 'The database was written by a newer version'],
  'store/in-use': [409, true, 'Gateways of an older version use this database'],
  'cluster/none': [409, false, 'This gateway shares its store with nobody'],
  'cluster/unknown-node': [404, false, 'There is no such node'],
  'state/locked': [409, true, 'Another gateway uses this state folder'],
  'state/restoring': [409, true, 'A restore of this state folder was interrupted'],
  'backup/unmade': [503, true, 'The backup could not be made'],
  'backup/invalid': [400, false, 'This backup cannot be restored'],
  'state/unwritable': [503, false, 'The state folder cannot be written'],
  'audit/missing': [404, false, 'There is no audit trail'],
  'audit/unwritable': [503, true, 'The audit trail cannot be written'],
  'secrets/sealed': [500, false, 'A sealed secret cannot be opened'],
  'secrets/store-lost': [503, true, 'The credential store of the system, which holds the key of the sealed secrets, does not answer'],
  'secrets/unfinished': [409, false, 'A change of the key was interrupted'],
  'net/refused': [403, false, 'This address may not be reached'],
  'net/unreachable': [502, true, 'The server cannot be reached'],
  'net/timeout': [504, true, 'The server did not answer in time'],
  'net/too-large': [502, false, 'The answer is too large'],
  'provider/none': [503, false, 'No model is configured'],
  'provider/unknown': [404, false, 'No such provider or route is configured'],
  'provider/no-images': [422, false, 'None of these models can see images'],
  'provider/unreachable': [502, true, 'The model server cannot be reached'],
  'provider/auth': [502, false, 'The model server refused our credentials'],
  'provider/rate-limit': [429, true, 'The model server limits our rate'],
  'provider/overloaded': [503, true, 'The model server is overloaded'],
  'provider/context-too-long': [400, false, 'The conversation is too long for this model'],
  'provider/refused': [400, false, 'The model refused to answer'],
  'provider/bad-request': [400, false, 'The model server did not accept the request'],
  'turn/cancelled': [499, true, 'The turn was cancelled'],
  'turn/budget': [429, false, 'The turn reached one of its budgets'],
  'turn/not-found': [404, false, 'There is no such turn'],
  'turn/ended': [409, false, 'This turn cannot go on'],
  'turn/lost': [409, true, 'Another worker carries this turn on'],
  'turn/stuck': [500, false, 'The turn stood still, and was taken up again in vain'],
  'turn/queue-full': [429, true, 'Too many messages wait in this conversation'],
  'turn/unkept': [503, false, 'This turn could not be written down, has not ended, and goes on by itself'],
  'turn/interrupted': [503, true, 'The gateway stopped before this turn ended'],
  'session/not-found': [404, false, 'There is no such session'],
  'session/exists': [409, false, 'A session with this key exists'],
  'tool/failed': [500, false, 'The tool failed'],
  'tool/invalid-input': [400, false, 'The arguments do not fit the tool'],
  'tool/timeout': [504, true, 'The tool took too long'],
  'message/unknown-destination': [404, false, 'There is no such destination'],
  'message/too-long': [400, false, 'The message is too long for its destination'],
  'message/undelivered': [502, true, 'The message could not be delivered'],
  'message/queue-full': [429, true, 'Too many messages wait for this destination'],
  'message/settled': [409, false, 'Nothing is left to do with this message'],
  'message/not-found': [404, false, 'There is no such message in the outbox'],
  'sandbox/unavailable': [503, false, 'No sandbox can be had on this machine'],
  'sandbox/changed': [409, false, 'What would run is not what was asked about'],
  'memory/too-large': [400, false, 'This record is too large'],
  'memory/full': [507, false, 'The memory store is full'],
  'file/outside-roots': [403, false, 'This path lies outside the configured folders'],
  'file/not-found': [404, false, 'There is no such file'],
  'file/unreadable': [403, false, 'This file cannot be read'],
  'file/unwritable': [403, false, 'This file cannot be written'],
  'file/exists': [409, false, 'Something is there already'],
  'undo/not-found': [404, false, 'There is no such step to take back'],
  'undo/done': [409, false, 'This was taken back already'],
  'undo/changed': [409, false, 'It was changed since'],
  'undo/gone': [410, false, 'What was there before is no longer kept'],
  'undo/too-large': [413, false, 'What is there could not be brought back: it is too large to keep a copy'],
  'cron/not-found': [404, false, 'There is no such job'],
  'cron/exists': [409, false, 'A job with this name exists'],
  'cron/full': [409, false, 'There are as many jobs as are allowed'],
  'cron/invalid': [400, false, 'This job is not valid'],
  'cron/off': [409, false, 'Scheduled work is switched off'],
  'task/not-found': [404, false, 'There is no such task'],
  'task/full': [409, false, 'There are as many unfinished tasks as are allowed'],
  'task/invalid': [400, false, 'This task is not valid'],
  'task/state': [409, false, 'This cannot be done with a task that stands like this one'],
  'gateway/unreachable': [502, true, 'No gateway answers there'],
  'gateway/stopping': [503, true, 'The gateway is stopping'],
  'server/address': [503, true, 'The gateway cannot listen there'],
  'cli/usage': [400, false, 'The command line is not valid'],
  internal: [500, false, 'Something went wrong inside carapace'],
} as const satisfies Record<string, readonly [status: number, retryable: boolean, message: string]>

export type ErrorCode = keyof typeof CATALOGUE

export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  /** What the user can do about it, shown beside the message. */
  readonly hint: string | undefined
  /** Milliseconds after which trying again makes sense. */
  readonly retryAfterMs: number | undefined
  /** Of a request: nothing of it has left. */
  readonly isUnsent: boolean

  /** `detail` is appended to the catalogue's message; it must be safe to show. */
  constructor(
    code: ErrorCode,
    detail?: string,
    more: { readonly hint?: string; readonly retryAfterMs?: number; readonly isUnsent?: boolean; readonly cause?: unknown } = {},
  ) {
    super(detail === undefined ? CATALOGUE[code][2] : `${CATALOGUE[code][2]}: ${detail}`, more.cause === undefined ? undefined : { cause: more.cause })
    this.code = code
    this.hint = more.hint
    this.retryAfterMs = more.retryAfterMs
    this.isUnsent = more.isUnsent ?? false
  }

  get status(): number {
    return CATALOGUE[this.code][0]
  }

  get retryable(): boolean {
    return CATALOGUE[this.code][1]
  }
}

/** The AppError that may be shown for anything thrown: a defect becomes `internal`, without its message. */
export function exposed(error: unknown): AppError {
  return error instanceof AppError ? error : new AppError('internal', undefined, { cause: error })
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(CATALOGUE, code)
}

export const errorCodes = Object.keys(CATALOGUE).filter(isErrorCode)
