/** What a credential may do. `operator.admin` covers all; `operator.write` covers read; `operator.approvals` answers questions of the guard, `operator.pairing` admits devices: both cover read. */
export type Scope = 'public' | 'operator.read' | 'operator.write' | 'operator.approvals' | 'operator.pairing' | 'operator.admin'
