/** Secrets that cry out: values that occur nowhere else, and the search for every form in which one could be found. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** `sk-`like, and of no use anywhere. */
export function canary(name: string): string {
  return `cnry-${name}-${Buffer.from(name).toString('hex').slice(0, 12)}Zq7Wm3Xv9Kp2`
}

export interface Hit {
  readonly place: string
  readonly name: string
  readonly form: string
}

export type Canaries = Readonly<Record<string, string>>

/** Every form in which one of the values stands in a text. Bytes are given as latin1. */
export function findCanaries(place: string, text: string, canaries: Canaries): readonly Hit[] {
  const joined = text.toLowerCase()
  return Object.entries(canaries).flatMap(([name, value]) =>
    Object.entries(formsOf(value)).flatMap(([form, needles]) =>
      needles.some((needle) => joined.includes(needle.toLowerCase())) ? [{ place, name, form }] : [],
    ),
  )
}

/** Compared without case, which finds more and not less. */
function formsOf(value: string): Readonly<Record<string, readonly string[]>> {
  const bytes = Buffer.from(value)
  const core = (offset: number) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
    return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((bytes.length + offset) * 8) / 6))
  }
  const cores = [0, 1, 2].map(core)
  return {
    plain: [value],
    half: [value.slice(0, Math.ceil(value.length / 2)), value.slice(Math.floor(value.length / 2))],
    base64: [...cores, ...cores.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))],
    hex: [bytes.toString('hex')],
    url: [encodeURIComponent(value), [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')],
    reversed: [value.split('').toReversed().join('')],
    utf16: [Buffer.from(value, 'utf16le').toString('latin1'), value.split('').join('\0')],
    split: [' ', '\n', '-', '.', '","'].map((between) => value.split('').join(between)),
  }
}

/** Every file of a folder, whatever it is. */
export function canariesIn(folder: string, canaries: Canaries, except: (path: string) => boolean = () => false): readonly Hit[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !except(path))
    .flatMap((path) => findCanaries(path, readFileSync(path).toString('latin1'), canaries))
}

/** The values of an environment that are secrets by their names. */
export function secretsOf(env: Readonly<Record<string, string | undefined>>): Canaries {
  const found = Object.entries(env).filter(([name, value]) => /KEY|TOKEN|PASSWORD|SECRET/.test(name) && (value ?? '').length >= 12)
  return Object.fromEntries(found.map(([name, value]) => [name, value ?? '']))
}

/** What no test may leave behind: every double that ends a gateway asks it, so that the whole run is searched. Large files are those of tests about size. */
export function assertNoSecretIn(folder: string | undefined, canaries: Canaries): void {
  if (folder === undefined || !existsSync(folder) || Object.keys(canaries).length === 0) return
  const hits = canariesIn(folder, canaries, (path) => statSync(path).size > 2 * 1024 * 1024)
  if (hits.length > 0) throw new Error(`a secret was left behind: ${hits.map(({ place, name, form }) => `${name} as ${form} in ${place}`).join('; ')}`)
}
