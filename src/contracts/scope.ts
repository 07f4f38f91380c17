/** What a credential may do. `operator.admin` covers all; `operator.write` covers read. */
export type Scope = 'public' | 'operator.read' | 'operator.write' | 'operator.admin'
