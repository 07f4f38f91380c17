/**
 * The keys of a state folder, each by its reference: `k` the key file, `o:ID` a credential of the system's store, `p:DERIVATION` what `CARAPACE_CONFIG_PASSWORD` gives. While the key
 * is being changed there is a bridge: either key opens it and gives the other, so that whatever was sealed with one of the two opens, wherever the change was interrupted.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod/mini'
import type { CredentialStore } from '../contracts/credential-store.ts'
import { AppError } from '../contracts/errors.ts'
import { readPrivate } from './create-once.ts'
import { sealedFiles } from './sealed-files.ts'
import { decrypt, deriveKey, describeDerivation, readDerivation, type Derivation } from './sealing.ts'

export type KeyRef = { readonly kind: 'file' } | { readonly kind: 'os'; readonly id: string } | { readonly kind: 'password'; readonly derivation: Derivation }
export type KeyKind = KeyRef['kind']

export interface KeyPlaces {
  readonly file: string
  readonly nextFile: string
  readonly salt: string
  /** Names the credential, where the store of the system holds the key. */
  readonly marker: string
  readonly bridge: string
}

export function keyPlaces(stateDir: string): KeyPlaces {
  const at = (name: string) => join(stateDir, 'keys', name)
  return {
    file: at('master.key'),
    nextFile: at('master.key.next'),
    salt: at('password.salt'),
    marker: at('credential-store.json'),
    bridge: at('rotation.json'),
  }
}

export interface Keys {
  /** Throws `secrets/sealed` and `secrets/store-lost`. */
  get(ref: KeyRef): Buffer
  /** Both keys of a change that was interrupted; null where none was, or where neither can be had. */
  bridged(): Crossed | null
}
export interface Crossed {
  readonly from: Buffer
  readonly to: Buffer
}

const ID = /^[\w-]{16}$/
const markerSchema = z.strictObject({ version: z.literal(1), id: z.string().check(z.regex(ID)) })
const bridgeSchema = z.strictObject({ version: z.literal(1), from: z.string(), to: z.string(), fromByTo: z.string(), toByFrom: z.string() })
export type Bridge = z.infer<typeof bridgeSchema>

export function createKeys(places: KeyPlaces, password: string | undefined, store: CredentialStore | null): Keys {
  const derived = new Map<string, Buffer>()
  const stored = new Map<string, Buffer>()
  const keys: Keys = {
    get(ref) {
      if (ref.kind === 'file') return fileKey(places)
      if (ref.kind === 'os') return remember(stored, ref.id, () => storedKey(store, ref.id))
      if (password === undefined)
        throw new AppError('secrets/sealed', 'it was sealed with a password', { hint: 'Set CARAPACE_CONFIG_PASSWORD to that password' })
      return remember(derived, describeDerivation(ref.derivation), () => deriveKey(password, ref.derivation))
    },
    bridged() {
      const bridge = readBridge(places)
      return bridge === null ? null : crossBridge(bridge, keys)
    },
  }
  return keys
}

function remember(known: Map<string, Buffer>, name: string, make: () => Buffer): Buffer {
  const key = known.get(name) ?? make()
  known.set(name, key)
  return key
}

function fileKey(places: KeyPlaces): Buffer {
  const key = readPrivate(places.file) ?? readPrivate(places.nextFile)
  if (key === null) {
    throw new AppError('secrets/sealed', `its key ${places.file} is missing`, { hint: 'Restore the key file, or set the value again: cara secrets set NAME' })
  }
  return key
}

function storedKey(store: CredentialStore | null, id: string): Buffer {
  if (store === null) {
    throw new AppError('secrets/store-lost', 'there is none here', {
      hint: 'Start from a session that has it: log in, unlock it, pass DBUS_SESSION_BUS_ADDRESS on',
    })
  }
  const key = store.read(id)
  if (key !== null) return key
  throw new AppError('secrets/store-lost', `the ${store.name} has no credential ${id} of carapace`, {
    hint: 'Restore it, or set every secret again after: rm -r the keys folder',
  })
}

/** Null where the store of the system holds no key of this folder. */
export function readMarker(places: KeyPlaces): string | null {
  const text = readPrivate(places.marker)?.toString('utf8')
  if (text === undefined) return null
  const parsed = markerSchema.safeParse(parseJson(text))
  if (!parsed.success) throw new AppError('secrets/sealed', `${places.marker} is damaged`, { hint: 'Restore it from a backup' })
  return parsed.data.id
}

export function readBridge(places: KeyPlaces): Bridge | null {
  const text = readPrivate(places.bridge)?.toString('utf8')
  if (text === undefined) return null
  const parsed = bridgeSchema.safeParse(parseJson(text))
  if (!parsed.success) throw new AppError('secrets/sealed', `${places.bridge} is damaged`, { hint: 'Restore it from a backup' })
  return parsed.data
}

export const BRIDGE_FROM = 'rotation:from'
export const BRIDGE_TO = 'rotation:to'

/** From whichever side can be had. */
function crossBridge({ from, to, fromByTo, toByFrom }: Bridge, keys: Keys): Crossed | null {
  const beyond = (near: string, place: string, far: string): { readonly near: Buffer; readonly far: Buffer } | null => {
    try {
      const key = keys.get(readRef(near))
      return { near: key, far: Buffer.from(decrypt(key, place, far.split(':')), 'base64url') }
    } catch (error) {
      if (error instanceof AppError) return null
      throw error
    }
  }
  const forth = beyond(from, BRIDGE_TO, toByFrom)
  if (forth !== null) return { from: forth.near, to: forth.far }
  const back = beyond(to, BRIDGE_FROM, fromByTo)
  return back === null ? null : { from: back.far, to: back.near }
}

/** `k`, `o:ID` or `p:DERIVATION`, as sealed texts begin. */
export function describeRef(ref: KeyRef): string {
  if (ref.kind === 'file') return 'k'
  return ref.kind === 'os' ? `o:${ref.id}` : `p:${describeDerivation(ref.derivation)}`
}

export function readRef(text: string): KeyRef {
  const [kind, detail, ...more] = text.split(':')
  if (kind === 'k' && detail === undefined) return { kind: 'file' }
  if (kind === 'o' && detail !== undefined && more.length === 0 && ID.test(detail)) return { kind: 'os', id: detail }
  if (kind === 'p' && detail !== undefined && more.length === 0) return { kind: 'password', derivation: readDerivation(detail) }
  throw new AppError('secrets/sealed', 'it is damaged')
}

/** Whether anything of this folder was sealed yet: then a missing key is lost, not new. */
export function isSealedYet(stateDir: string): boolean {
  return Object.values(sealedFiles).some(({ file }) => existsSync(join(stateDir, file)))
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
