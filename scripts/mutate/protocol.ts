/** What the scheduler and its workers tell each other. */
export interface TestFacts {
  /** Place in the file, in the order in which tests are declared. */
  readonly index: number
  readonly name: string
  readonly ms: number
  readonly isOk: boolean
  readonly mutants: readonly string[]
}

export interface FileFacts {
  readonly file: string
  readonly tests: readonly TestFacts[]
  /** Mutants that run while modules load. */
  readonly loaded: readonly string[]
  readonly error: string | null
}

export interface Chosen {
  readonly file: string
  readonly tests: readonly number[]
}

export type Order =
  | { readonly kind: 'look'; readonly file: string }
  /** `isFresh`: the mutant acts while modules load, so all of them are loaded again. */
  | { readonly kind: 'try'; readonly mutant: string; readonly isFresh: boolean; readonly files: readonly Chosen[]; readonly hitLimit: number }

export type Answer =
  | { readonly kind: 'seen'; readonly facts: FileFacts }
  | {
      readonly kind: 'tried'
      readonly mutant: string
      readonly killedBy: { readonly file: string; readonly index: number; readonly name: string } | null
      readonly rss: number
    }
