import type { Checkout } from './checkout.ts'
import type { Figure } from './figure.ts'

export interface Bench {
  /** For `--only`. */
  readonly name: string
  readonly title: string
  readonly run: (setting: Setting) => Promise<readonly Figure[]>
}

export interface Setting {
  readonly checkout: Checkout
  /** Fewer rounds: shows what is broken, too noisy to be quoted. */
  readonly quick: boolean
}
