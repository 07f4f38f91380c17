/**
 * Proof that a value passed every stage of its checkpoint. Only `guard/run-checkpoint.ts` mints it (the lint fence forbids the cast elsewhere);
 * every sink demands it, so a forgotten check does not compile. The brand exists in types only: a cleared value is the value itself, deeply frozen by
 * convention, and the guard remembers it, so that a sink can also ask at run time (`isCleared`).
 */
declare const clearance: unique symbol
export type Cleared<T> = T & { readonly [clearance]: true }
