/** Who a credential belongs to and what it may do. */
import type { Scope } from './scope.ts'

export interface Principal {
  /** Stable and safe to log, for example `owner`. */
  readonly id: string
  readonly scopes: readonly Scope[]
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

/** What a client gets that asked for `wished`: never more than the credential holds; no wish means all of it. */
export function grantScopes(held: readonly Scope[], wished: readonly string[]): readonly Scope[] {
  if (wished.length === 0) return held
  return SCOPES.filter((scope) => scope !== 'public' && wished.includes(scope) && covers(held, scope))
}

const SCOPES: readonly Scope[] = ['public', 'operator.read', 'operator.write', 'operator.approvals', 'operator.pairing', 'operator.admin']
