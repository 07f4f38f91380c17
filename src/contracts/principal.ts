/** Who a credential belongs to and what it may do. */
import { scopes, type Scope } from './scope.ts'

/** One object for as long as the credential holds: a new token, or a device with other scopes, is another principal. */
export interface Principal {
  /** Stable and safe to log, for example `owner`. */
  readonly id: string
  readonly scopes: readonly Scope[]
  /** Names what it came by, and is no secret: what it sent is authorised by this name again before it begins late. */
  readonly credential: string
  /** The token alone opens nothing: a signature over the challenge must follow. */
  readonly needsProof?: true
}

const COVERED: Readonly<Record<Scope, readonly Scope[]>> = {
  public: ['public'],
  'operator.read': ['public', 'operator.read'],
  'operator.write': ['public', 'operator.read', 'operator.write'],
  'operator.approvals': ['public', 'operator.read', 'operator.approvals'],
  'operator.pairing': ['public', 'operator.read', 'operator.pairing'],
  'operator.admin': ['public', 'operator.read', 'operator.write', 'operator.approvals', 'operator.pairing', 'operator.admin'],
}

/** Whether somebody with these scopes may do what needs `needed`. */
export function covers(held: readonly Scope[], needed: Scope): boolean {
  return needed === 'public' || held.some((scope) => COVERED[scope].includes(needed))
}

/** Whether somebody with `held` may do all that somebody with `other` may. */
export function coversAll(held: readonly Scope[], other: readonly Scope[]): boolean {
  return other.every((scope) => covers(held, scope))
}

/** What a client gets that asked for `wished`: never more than the credential holds. No list is no wish, and means all of it; an empty one means none. */
export function grantScopes(held: readonly Scope[], wished: readonly string[] | undefined): readonly Scope[] {
  if (wished === undefined) return held
  return scopes.filter((scope) => scope !== 'public' && wished.includes(scope) && covers(held, scope))
}
