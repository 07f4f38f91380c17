/** Of so many words, none of which stands twice in any of them. */
export function longText(number: number, words: number): string {
  return `message ${number}${Array.from({ length: words }, (_, index) => ` ${number}-${index}`).join('')}`
}
