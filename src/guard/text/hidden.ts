/** Characters that nobody sees and a model reads: tag characters, runs of zero-width ones and of variation selectors, marks that turn the direction of reading. */
const ANY = /\p{Cf}|\p{Variation_Selector}|[\u{E0000}-\u{E007F}]/u
/** A flag made of tags is one picture; everything else of the kind is text that hides. */
const HIDDEN =
  /(\u{1F3F4}[\u{E0061}-\u{E007A}\u{E0030}-\u{E0039}]{2,8}\u{E007F})|[\u{E0000}-\u{E007F}]+|\p{Variation_Selector}{2,}|[\u00AD\u180E\u200B-\u200F\u2060-\u2064\u206A-\u206F\uFEFF]{4,}|[\u202A-\u202E\u2066-\u2069]/gu
/** Isolates and embeddings also stand in honest text of two directions; an override turns around what is read. */
const SUSPICIOUS =
  /(?<!\u{1F3F4}[\u{E0061}-\u{E007A}\u{E0030}-\u{E0039}]{0,8})[\u{E0000}-\u{E007F}]|\p{Variation_Selector}{2,}|[\u00AD\u180E\u200B-\u200F\u2060-\u2064\u206A-\u206F\uFEFF]{4,}|[\u202D\u202E]/u

export function dropHidden(text: string): string {
  return ANY.test(text) ? text.replaceAll(HIDDEN, (_found, flag: string | undefined) => flag ?? '') : text
}

export function hidesCharacters(text: string): boolean {
  return ANY.test(text) && SUSPICIOUS.test(text)
}
