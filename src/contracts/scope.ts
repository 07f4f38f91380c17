/** What a credential may do. `operator.admin` covers all; `operator.write` covers read; `operator.approvals` answers questions of the guard, `operator.pairing` admits devices: both cover read. */
export const scopes = ['public', 'operator.read', 'operator.write', 'operator.approvals', 'operator.pairing', 'operator.admin'] as const
export type Scope = (typeof scopes)[number]

/** What can be granted. */
export const grantableScopes = [
  'operator.read',
  'operator.write',
  'operator.approvals',
  'operator.pairing',
  'operator.admin',
] as const satisfies readonly Scope[]
