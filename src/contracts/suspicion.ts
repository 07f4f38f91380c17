/** Signs that a text of others speaks to the model instead of its reader. A sign decides nothing by itself: the mark, the receipts and the owner's questions name it. */
export type Suspicion =
  /** Asks to forget or replace what the model was told. */
  | 'override'
  /** Imitates the turns of a conversation, the tokens of a chat template, or our own marks. */
  | 'role-marker'
  /** Characters that nobody sees. */
  | 'hidden-characters'
  /** An encoded block that reads as instructions. */
  | 'encoded'
  /** Markup that hides text from people. */
  | 'hidden-markup'
  /** Asks to send something to an address. */
  | 'sends-data'
  /** Imitates a call of a tool. */
  | 'tool-imitation'
  /** A second model says so (`guard.classifier`). */
  | 'classifier'

const WORDS: Readonly<Record<Suspicion, string>> = {
  override: 'replaces earlier instructions',
  'role-marker': 'imitates a turn of the conversation',
  'hidden-characters': 'hides characters',
  encoded: 'hides instructions in an encoding',
  'hidden-markup': 'hides text in markup',
  'sends-data': 'asks to send something away',
  'tool-imitation': 'imitates a tool call',
  classifier: 'so says the classifier',
}

/** For people and for the model: `looks like instructions: hides characters`. */
export function describeSuspicion(found: readonly Suspicion[]): string {
  return `looks like instructions: ${found.map((one) => WORDS[one]).join(', ')}`
}
