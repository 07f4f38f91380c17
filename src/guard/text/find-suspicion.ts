/**
 * Looks for signs of an injection in a text of others. A signal, never the wall: attacks are written in more ways than are listed here, and honest texts about attacks look alike. Takes
 * time in the length of the text: words are found one by one and compared by distance, with no pattern inside a pattern.
 */
import type { Suspicion } from '../../contracts/suspicion.ts'
import { hidesCharacters } from './hidden.ts'
import { hasRoleMarker } from './inert.ts'
import { skeleton } from './mapped.ts'

/** Something is found where words of all lists stand near each other, in the order of the lists. English, German, French, Spanish; accents are gone before. */
interface Rule {
  readonly sign: 'override' | 'sends-data'
  readonly words: readonly RegExp[]
  /** Characters from one word to the next. */
  readonly within: number
}

const RULES: readonly Rule[] = [
  {
    sign: 'override',
    words: [
      /\b(?:ignor(?:e|es|ed|ing|iere|ieren|ieret?|iert|ez|a|ad|en)|disregard(?:ing)?|forget|override|overrule|bypass|discard|vergiss|vergessen|missachte|verwirf|oublie[zr]?|ignorez|neglige[zr]?|olvida|olvide|descarta|omite|desobedece)\b/g,
      /\b(?:previous|prior|above|earlier|preceding|foregoing|all|any|every|your|the|these|those|system|vorherig\w{0,2}|bisherig\w{0,2}|obig\w{0,2}|alle|deine|ihre|die|precedent\w{0,2}|anterieur\w{0,2}|toutes?|tous|vos|tes|les|ci-dessus|anterior\w{0,2}|previa\w?|todas?|todos|tus|sus|las)\b/g,
      /\b(?:instructions?|prompts?|rules?|directions?|directives?|guidelines?|commands?|orders?|constraints?|safeguards?|anweisung(?:en)?|instruktion(?:en)?|befehle?|regeln?|vorgaben?|consignes?|regles?|ordres?|instrucci\w{2,4}|ordenes|reglas|indicaciones|directrices)\b/g,
    ],
    within: 40,
  },
  {
    sign: 'override',
    words: [
      /\b(?:new|updated|revised|real|actual|urgent|important|secret|neue|wichtige|nouvelles?|importantes?|nuevas?)\b/g,
      /\b(?:instructions?|directives?|task|orders?|message|anweisung(?:en)?|aufgabe|nachricht|consignes?|tache|instrucciones|tarea|mensaje)\b/g,
      /\b(?:for|to|from|fur|an|von|pour|para|al|a)\b/g,
      /\b(?:assistants?|ai|llm|model|agents?|chatbot|assistent\w{0,2}|ki|modell|ia|modele|asistente|modelo|administrator|developer|owner)\b/g,
    ],
    within: 24,
  },
  {
    sign: 'override',
    words: [
      /\b(?:you are now|from now on,? you|you must now|act as if you|pretend (?:to be|you are)|enter developer mode|your (?:new|real) (?:task|goal|role|instructions?)|do not (?:tell|inform|mention (?:this|it) to|alert) the (?:user|owner)|without (?:telling|asking|informing) the (?:user|owner)|du bist (?:jetzt|nun|ab jetzt)|ab jetzt bist du|sag (?:es )?dem (?:nutzer|benutzer) nicht|tu es (?:maintenant|desormais)|a partir de maintenant,? tu|ne (?:le )?dis pas a l.utilisateur|ahora eres|a partir de ahora eres|no (?:le )?digas al usuario|<(?:important|information)>)\b/g,
    ],
    within: 0,
  },
  {
    sign: 'sends-data',
    words: [
      /\b(?:send|forward|post|upload|submit|transmit|exfiltrate|e-?mail|leak|report|share|append|include|schick\w{0,2}|sende|leite|ubermittle|lade|envoie[sz]?|envoyez|transmets?|transmettez|envia|reenvia|manda|sube)\b/g,
      /\b(?:all|password\w?|tokens?|secrets?|api keys?|keys?|credentials?|contents?|conversation|history|files?|data|notes?|memory|memories|e-?mails|messages|codes?|passwort\w{0,3}|geheimnis\w{0,3}|inhalte?|daten|dateien?|verlauf|notizen|mots? de passe|jetons?|donnees|contenu|fichiers?|contrasenas?|claves?|datos|archivos?|contenido)\b/g,
      /\b(?:to|at|via|in|an|nach|zu|auf|a|vers|sur|para)\b/g,
      /https?:\/\/|[\w.-]{1,64}@[\w-]{1,63}\.|\bwww\.|\b(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,10}\//g,
    ],
    within: 48,
  },
  {
    sign: 'sends-data',
    words: [
      /\b(?:visit|open|fetch|load|request|call|navigate|render|display|insert|add|besuche|offne|rufe|ouvre[z]?|visite[z]?|abre|visita)\b/g,
      /https?:\/\/[^\s"'<>)]{1,300}[?&/=](?:\{|\[|<|\$|%7b|data=|secret|token|password)/g,
    ],
    within: 120,
  },
]

const TOOL_CALL = [
  /"(?:tool|tool_name|function|name|recipient_name|action)"\s{0,4}:\s{0,4}"[\w.-]{1,64}"/g,
  /"(?:arguments|parameters|input|tool_input|args|action_input|params)"\s{0,4}:\s{0,4}["{]/g,
]
const TOOL_MARKUP = /<(?:tool_calls?|function_calls?|invoke|tool_use|use_mcp_tool|function)[\s=>]|\bassistant to=functions\./
const HIDING_STYLE =
  /display\s{0,4}:\s{0,4}none|visibility\s{0,4}:\s{0,4}hidden|font-size\s{0,4}:\s{0,4}0(?![.\d])|opacity\s{0,4}:\s{0,4}0(?![.\d])|(?<![-\w])color\s{0,4}:\s{0,4}(?:white(?![\w-])|#fff(?:fff)?\b|rgba?\(\s{0,2}255)|text-indent\s{0,4}:\s{0,4}-\d{3}|(?:left|top)\s{0,4}:\s{0,4}-\d{3,5}px|\\color\{white\}/
/** What a comment in markup says to a machine. */
const COMMENT_TALK = /<!--[^>]{0,400}\b(?:assistants?|ai|llm|agents?|instructions?|you must|ignore|system prompt)\b/
const SPELT_OUT = /(?:[a-z][\u00AD\u200B-\u200D\u2060]){5}/i
/** Words of base64 or hex, also over lines. */
const ENCODED = /(?:[A-Za-z0-9+/_-]{20,}[\r\n]{0,2}){1,200}={0,2}/g
const MAX_DECODED = 32 * 1024

/** In a fixed order, each sign once; empty for most texts. */
export function findSuspicion(text: string): readonly Suspicion[] {
  const mapped = skeleton(text)
  const found = new Set<Suspicion>(spoken(mapped.text))
  if (hasRoleMarker(mapped, text)) found.add('role-marker')
  if (hidesCharacters(text) || SPELT_OUT.test(text)) found.add('hidden-characters')
  if (isHiddenMarkup(mapped.text)) found.add('hidden-markup')
  if (TOOL_MARKUP.test(mapped.text) || (mapped.text.includes('"') && areNear(TOOL_CALL, mapped.text, 300))) found.add('tool-imitation')
  if (hasEncoded(text)) found.add('encoded')
  return found.size === 0 ? NONE : [...found]
}
const NONE: readonly Suspicion[] = []

function isHiddenMarkup(text: string): boolean {
  return HIDING_STYLE.test(text) || (text.includes('<!--') && COMMENT_TALK.test(text))
}

function spoken(text: string): readonly Suspicion[] {
  return RULES.filter(({ words, within }) => areNear(words, text, within)).map(({ sign }) => sign)
}

function hasEncoded(text: string): boolean {
  let left = MAX_DECODED
  for (const [word] of text.matchAll(ENCODED)) {
    if (left <= 0) return false
    const whole = word.replaceAll(/[\r\n]/g, '')
    left -= whole.length
    for (const bytes of [Buffer.from(whole, 'base64'), ...(/^[0-9a-f]+$/i.test(whole) ? [Buffer.from(whole, 'hex')] : [])]) {
      const inner = bytes.toString('utf8')
      if (!isReadable(inner)) continue
      const read = skeleton(inner)
      if (spoken(read.text).length > 0 || hasRoleMarker(read, inner)) return true
    }
  }
  return false
}

/** Nearly every word is base64 of some bytes. */
function isReadable(text: string): boolean {
  return text.length >= 12 && /^[\n\r\t\x20-\x7E\u00A0-\u024F\u2010-\u2026]+$/.test(text)
}

/** Whether a word of the last list is reached from one of the first, over one of each list between, each near enough to the one before. */
function areNear(words: readonly RegExp[], text: string, within: number): boolean {
  let reached: readonly number[] | null = null
  for (const pattern of words) {
    const next: number[] = []
    let from = 0
    for (const { 0: word, index } of text.matchAll(pattern)) {
      if (reached !== null) {
        // Where earlier words ended, ascending: the newest that lies before this word is the nearest.
        while (from + 1 < reached.length && (reached[from + 1] ?? 0) <= index) from++
        const before = reached[from] ?? Infinity
        if (before > index || index - before > within) continue
      }
      next.push(index + word.length)
    }
    if (next.length === 0) return false
    reached = next
  }
  return true
}
