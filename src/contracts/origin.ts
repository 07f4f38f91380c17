/** Where a piece of content comes from. Every message part, tool result and memory record carries one; it is never dropped or upgraded. */
export interface Origin {
  readonly author: Author
  /** `untrusted` content may say anything; it never counts as the owner's word. */
  readonly trust: 'trusted' | 'untrusted'
  /** Whether it holds the owner's private data (files, memory, messages). */
  readonly private: boolean
}

export type Author =
  | { readonly kind: 'owner' }
  | { readonly kind: 'peer'; readonly channel: string; readonly id: string }
  | { readonly kind: 'web'; readonly host: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'tool'; readonly name: string }
  | { readonly kind: 'plugin'; readonly id: string }
  | { readonly kind: 'model'; readonly name: string }

export const OWNER: Origin = { author: { kind: 'owner' }, trust: 'trusted', private: false }
