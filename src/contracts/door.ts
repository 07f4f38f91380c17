/** Doors as the guard of replies sees them. Shared code reads these traits and never asks which door it is. */

/** `markdown`: rendered, raw HTML in it too. `html`: put into a page as it is. `plain`: shown or processed as text. */
export type DoorMarkup = 'markdown' | 'html' | 'plain'

export interface DoorTraits {
  readonly markup: DoorMarkup
}

const DOORS: Readonly<Record<string, DoorTraits>> = {
  // The chat on a terminal and browsers' surfaces render Markdown.
  ws: { markup: 'markdown' },
  // Programs process what they get: what they show of it, they render themselves.
  openai: { markup: 'plain' },
}

/** A door that is not known renders Markdown. */
export function doorTraits(door: string): DoorTraits {
  return DOORS[door] ?? { markup: 'markdown' }
}
