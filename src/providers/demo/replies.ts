/** What the demo says where it calls no tool. The model's own words pass only as small talk; it knows no facts and must not state any. */

const SKILLS_AND_SETUP =
  'I can tell the time, calculate, note down and look up facts, read a file, and note a reminder. To talk with a real model, run `cara setup`.'

export const BEYOND = `I am the built-in demo model, and that is beyond me. ${SKILLS_AND_SETUP}`
export const NOT_UNDERSTOOD = `I am the built-in demo model, and I did not understand that well enough to act on it. Try one short, plain sentence. ${SKILLS_AND_SETUP}`
export const INTRODUCTION = `I am the built-in demo model: about one million parameters, running on your own machine. ${SKILLS_AND_SETUP}`

export const TOO_LONG = `I am the built-in demo model, and that is more than I can read at once. ${SKILLS_AND_SETUP}`

export function unavailable(tool: string): string {
  return `I would use the tool \`${tool}\` for that, and it is not available here. I am the built-in demo model; to talk with a real model, run \`cara setup\`.`
}

const MAX_LETTERS = 200
/** Both must fit: what was asked, and what the model says, word for word. */
const SMALL_TALK: readonly (readonly [asked: RegExp, said: RegExp])[] = [
  [/\bhow are you\b/i, /^I am fine, thank you\.(?: I am only a tiny demo model\.)?$/],
  [/^(?:hi|hello|hey|greetings|good (?:morning|afternoon|evening|day))\b/i, /^(?:Hello|Hi|Hey)[!.]?(?: How can I help\?| What can I do for you\?)?$/],
  [/\b(?:thanks|thank you|thx|cheers)\b/i, /^You are welcome[!.]$/],
  [/\b(?:bye|goodbye|good night|see you)\b/i, /^Goodbye[!.]$/],
]
const ASKS_WHO = /\b(?:who (?:are|am i|is this)|what are you|your name|what can you do|help)\b/i

export function reply(userText: string, said: string): string {
  const asked = userText.trim()
  if (asked.length > MAX_LETTERS || said.length > MAX_LETTERS) return BEYOND
  if (SMALL_TALK.some(([question, answer]) => question.test(asked) && answer.test(said))) return said
  return ASKS_WHO.test(asked) ? INTRODUCTION : BEYOND
}
