/** What the owner has said: which values he named, what he asked to be done, and where he sent the assistant to look something up. */
import { fold, words, type Word } from './fold.ts'
import type { Evidence } from './evidence.ts'
import type { Piece } from './piece.ts'
import { isTyped, type Kind, type Value } from './values.ts'

export interface Argument {
  /** Name of the argument, the last step of its path. */
  readonly name: string
  readonly text: string
  readonly value: Value
}

export function ownerPieces(evidence: Evidence): readonly Piece[] {
  return evidence.pieces.filter(({ standing }) => standing === 'owner')
}

/** An address or account by its normal form; a name as he wrote it; a number only where he says what it numbers. */
export function isNamed({ name, text, value }: Argument, pieces: readonly Piece[]): boolean {
  return pieces.some((piece) => {
    if (isTyped(value)) return piece.has(value)
    const wanted = words(value.key)
    return piece.places(wanted).some((at) => {
      if (wanted.length > 1) return true
      const isName = value.kind === 'number' ? isLongNumber(value.key) : /\p{Lu}|\p{N}|[._/-]/u.test(`${text} ${piece.words[at]?.raw ?? ''}`)
      return isName || isPointedOut(piece.words, at, name)
    })
  })
}

/** Quoted, marked as a handle or number, or beside the noun that the argument is called by: an ordinary word alone names nothing. */
function isPointedOut(all: readonly Word[], at: number, argument: string): boolean {
  if (/^[#@"'“‘«(]*[#@"'“‘«]|["'”’»][.,!?)]*$/u.test(all[at]?.raw ?? '')) return true
  const nouns = new Set([...nounsOf(argument), 'id', 'number', 'no', 'nr', 'named', 'called'])
  return nouns.has(singular(all[at - 1]?.text ?? '')) || (!/^\d+$/.test(all[at]?.text ?? '') && nouns.has(singular(all[at + 1]?.text ?? '')))
}

const isLongNumber = (key: string) => key.length >= 6

export function nounsOf(name: string): readonly string[] {
  return words(name.replaceAll(/[_-]/g, ' ').replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')).map(({ text }) => singular(text))
}

function singular(word: string): string {
  return word.length > 3 ? word.replace(/(?<=[^s])s$/, '') : word
}

/** Words that ask for one sort of deed, by their stems; a tool belongs to the sorts that its name speaks of. German, French and Spanish stand beside English, as far as their words are not English ones. */
const DEEDS: readonly (readonly string[])[] = [
  'send mail email message write reply respond forward tell notify text answer contact inform post publish announce schick sende schreib antworte envoie écris réponds envía manda escribe',
  'post publish announce share comment tweet upload write teile veröffentliche partage publie comparte publica',
  'pay transfer refund send donate wire reimburse money bezahl zahl überweis erstatte paie paye rembourse paga transfiere devuelve',
  'buy purchase order checkout pay kauf bestell achète commande compra pide',
  'book reserve reservation booking buch reservier réserve reserva',
  'delete remove erase clear trash discard drop unsubscribe kick lösch entfern supprime efface elimina borra',
  'cancel terminate stop return storniere kündige annule résilie cancela anula',
  'update change adjust set modify edit correct replace reset rename änder aktualisier anpass modifie change actualiza cambia',
  'reschedule move postpone schedule shift verschieb verlege déplace reporte mueve aplaza',
  'create make add put schedule plan register sign generate open file start set setup arrange organize organise erstell eröffne crée ajoute crea añade',
  'invite add include grant share give lade füge teile ajoute partage invita añade comparte',
  'merge close accept approve confirm verify bestätig accepte confirme acepta confirma',
  'fetch get visit read open browse check look summarize summarise find download view öffne ouvre visite cherche abre busca',
].map((sort) => sort.split(' '))

/** Whether the owner's words ask for a deed of this tool's sort. A language that is not known here asks for nothing: then he is asked. */
export function isAskedFor(tool: string, pieces: readonly Piece[]): boolean {
  const nouns = nounsOf(tool)
  const [first = ''] = nouns
  // A name begins with its verb; `delete_email` is no mail. Only where it does not, any of its words may be the verb.
  const own = DEEDS.some((sort) => sort.includes(first)) ? [first] : nouns
  const verbs = new Set([first, ...DEEDS.filter((sort) => own.some((noun) => sort.includes(noun))).flat()])
  return pieces.some((piece) => {
    const said = saidIn(piece)
    return verbs.values().some((verb) => said.has(verb))
  })
}

const said = new WeakMap<Piece, ReadonlySet<string>>()

/** The stems of what he wants, also of two words as one (“check out”). What he says not to do is not among them. */
function saidIn(piece: Piece): ReadonlySet<string> {
  const known = said.get(piece)
  if (known !== undefined) return known
  const all = words(fold(piece.text).replaceAll(NEGATED, ' '))
  const pairs = all.map(({ text }, at) => `${text}${all[at + 1]?.text ?? ''}`)
  const found = new Set([...all.flatMap(({ text }) => stems(text)), ...pairs])
  said.set(piece, found)
  return found
}

/** A negation and the words that it may reach, up to the next pause. */
const NEGATED =
  /(?<![\p{L}\p{N}])(?:not|never|without|(?:do|does|should|must|wo|ca)n['’]?t|nicht|nie|niemals|ohne|kein(?:e[mnrs]?)?|pas|jamais|sans|nunca|jamás|sin)(?:\s{1,8}[\p{L}\p{N}'’-]{1,40}){1,3}/giu

function stems(word: string): readonly string[] {
  return [
    word,
    word.replace(/[esntd]$/, ''),
    word.replace(/(?:es|en|st|et|ed|er|ez|ar|ir)$/, ''),
    word.replace(/ing$/, ''),
    word.replace(/ing$/, 'e'),
    word.replaceAll('-', ''),
  ]
}

/** What he calls his own: the nouns behind “my”, one word between them at most. */
export function possessions(pieces: readonly Piece[]): ReadonlySet<string> {
  return new Set(
    pieces.flatMap((piece) =>
      piece.words.flatMap(({ text }, at) => (MINE.has(text) ? [at + 1, at + 2].map((next) => singular(piece.words[next]?.text ?? '')) : [])),
    ),
  )
}
const MINE = new Set([
  'my',
  'our',
  'mein',
  'meine',
  'meiner',
  'meinem',
  'meinen',
  'unser',
  'unsere',
  'mon',
  'ma',
  'mes',
  'notre',
  'nos',
  'mi',
  'mis',
  'nuestra',
  'nuestro',
])

/** Whether he wants somebody answered. */
export function asksForReply(pieces: readonly Piece[]): boolean {
  return pieces.some((piece) => REPLIES.values().some((verb) => saidIn(piece).has(verb)))
}
const REPLIES = new Set(['reply', 'answer', 'respond', 'antworte', 'beantworte', 'réponds', 'responde', 'contesta'])

/** How people call a kind of value. */
const KIND_NOUNS: Readonly<Partial<Record<Kind, RegExp>>> = {
  email: /\be-?mail\b|\bmail address\b|\baddress\b/,
  url: /\blink\b|\burl\b/,
  account: /\biban\b|\baccount (?:number|details)\b/,
  phone: /\bphone\b|\bnumber\b/,
}

export function speaksOfKind(kind: Kind, pieces: readonly Piece[]): boolean {
  const noun = KIND_NOUNS[kind]
  return noun !== undefined && pieces.some((piece) => noun.test(fold(piece.text)))
}

/** What he gave only the beginning of, in so many words. */
export function beginnings(pieces: readonly Piece[]): readonly string[] {
  return pieces.flatMap((piece) =>
    Array.from(
      piece.text.matchAll(/\b(?:starts?|starting|begins?|beginning) with (?:the )?["'“‘#@]?([\p{L}\p{N}][\p{L}\p{N}._-]{2,})/giu),
      ([, start]) => start ?? '',
    ),
  )
}
