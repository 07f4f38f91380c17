/**
 * Seals everything again with a new key. At every moment everything opens, with the old key or with the new one: first there is a bridge between the two (keys.ts), then each file is
 * replaced as a whole, last the old key and the bridge go. What was interrupted goes on where it stopped.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { CredentialStore } from '../contracts/credential-store.ts'
import { AppError } from '../contracts/errors.ts'
import { atomicWrite } from '../std/atomic-write.ts'
import { createOnce, readPrivate } from './create-once.ts'
import { type Bridge, BRIDGE_FROM, BRIDGE_TO, describeRef, type KeyKind, keyPlaces, type KeyPlaces, type KeyRef, readBridge, readRef } from './keys.ts'
import { decrypt, deriveKey, encrypt, KEY_BYTES, newDerivation } from './sealing.ts'
import { sealedFiles } from './sealed-files.ts'
import { readSealed, sealWith, type Vault } from './vault.ts'

export type Reseal = (path: string, sealed: string) => string

export interface RotateOptions {
  readonly stateDir: string
  /** With what the old key needs. */
  readonly vault: Vault
  readonly to: KeyKind
  /** For `password`. */
  readonly newPassword: string | null
  readonly store: CredentialStore | null
  /** Replaces every sealed text of the configuration, in one write; returns their paths. */
  readonly configuration: (reseal: Reseal) => Promise<readonly string[]>
  /** Called between the writes. */
  readonly onStep?: (step: string) => void
}

export interface Rotated {
  readonly kind: KeyKind
  /** Whether an earlier change was finished instead. */
  readonly resumed: boolean
  readonly sealedAgain: readonly string[]
  /** What should be looked at. */
  readonly warnings: readonly string[]
}

export async function rotateKeys(options: RotateOptions): Promise<Rotated> {
  const { stateDir, vault, onStep = () => undefined } = options
  const places = keyPlaces(stateDir)
  refuseUnknownFiles(stateDir)
  const earlier = readBridge(places)
  if (earlier === null) {
    await openEverything(options)
    await buildBridge(options, places, onStep)
  }
  const bridge = earlier ?? readBridge(places)
  const crossed = vault.bridged()
  if (bridge === null || crossed === null) {
    throw new AppError('secrets/unfinished', 'neither of its two keys can be had', {
      hint: 'Give the old or the new password, or start from a session with the credential store',
    })
  }
  const ref = readRef(bridge.to)
  const reseal: Reseal = (path, sealed) => (isSealedWith(crossed.to, path, sealed) ? sealed : sealWith(crossed.to, ref, path, vault.open(path, sealed)))
  onStep('bridge')
  const sealedAgain: string[] = []
  for (const { file, place } of Object.values(sealedFiles)) {
    const path = join(stateDir, file)
    const before = readPrivate(path)?.toString('utf8').trim()
    if (before === undefined) continue
    await atomicWrite(path, reseal(place, before))
    sealedAgain.push(file)
    onStep(file)
  }
  sealedAgain.push(...(await options.configuration(reseal)))
  onStep('configuration')
  const warnings = await settle(options, places, bridge, ref, onStep)
  return { kind: ref.kind, resumed: earlier !== null, sealedAgain, warnings }
}

/** Before anything is written. */
async function openEverything({ stateDir, vault, configuration }: RotateOptions): Promise<void> {
  for (const { file, place } of Object.values(sealedFiles)) {
    const sealed = readPrivate(join(stateDir, file))?.toString('utf8').trim()
    if (sealed !== undefined) vault.open(place, sealed)
  }
  await configuration((path, sealed) => {
    vault.open(path, sealed)
    return sealed
  })
}

function refuseUnknownFiles(stateDir: string): void {
  const known = new Set<string>(Object.values(sealedFiles).map(({ file }) => file))
  const found = ['', 'keys/'].flatMap((folder) => (existsSync(join(stateDir, folder)) ? readdirSync(join(stateDir, folder)).map((name) => folder + name) : []))
  const unknown = found.find((name) => name.endsWith('.sealed') && !known.has(name))
  if (unknown !== undefined)
    throw new AppError('secrets/sealed', `${unknown} was sealed by another version of carapace`, { hint: 'Use that version, or remove the file' })
}

async function buildBridge({ vault, to, newPassword, store }: RotateOptions, places: KeyPlaces, onStep: (step: string) => void): Promise<void> {
  const from = vault.current()
  const next = makeKey(to, newPassword, store, places)
  onStep('key')
  const bridge: Bridge = {
    version: 1,
    from: describeRef(from.ref),
    to: describeRef(next.ref),
    fromByTo: encrypt(next.key, BRIDGE_FROM, from.key.toString('base64url')),
    toByFrom: encrypt(from.key, BRIDGE_TO, next.key.toString('base64url')),
  }
  await atomicWrite(places.bridge, JSON.stringify(bridge))
}

function makeKey(to: KeyKind, newPassword: string | null, store: CredentialStore | null, places: KeyPlaces): { readonly ref: KeyRef; readonly key: Buffer } {
  if (to === 'file') return { ref: { kind: 'file' }, key: createOnce(places.nextFile, () => randomBytes(KEY_BYTES)) }
  if (to === 'os') {
    if (store === null) throw new AppError('secrets/store-lost', 'there is none here')
    const [id, key] = [randomBytes(12).toString('base64url'), randomBytes(KEY_BYTES)]
    store.write(id, key)
    return { ref: { kind: 'os', id }, key }
  }
  if (newPassword === null) throw new AppError('cli/usage', 'a password is needed')
  const derivation = newDerivation(randomBytes(16))
  return { ref: { kind: 'password', derivation }, key: deriveKey(newPassword, derivation) }
}

function isSealedWith(key: Buffer, path: string, sealed: string): boolean {
  try {
    decrypt(key, path, readSealed(sealed).rest)
    return true
  } catch {
    return false
  }
}

/** The new key becomes the current one, then the old one goes, then the bridge. Any part of it may have been done before. */
async function settle({ store }: RotateOptions, places: KeyPlaces, bridge: Bridge, ref: KeyRef, onStep: (step: string) => void): Promise<readonly string[]> {
  if (ref.kind === 'os') await atomicWrite(places.marker, JSON.stringify({ version: 1, id: ref.id }))
  if (ref.kind === 'file' && existsSync(places.nextFile)) renameSync(places.nextFile, places.file)
  if (ref.kind === 'password') await atomicWrite(places.salt, ref.derivation.salt)
  onStep('current')
  const old = [
    ...(ref.kind === 'file' ? [] : [places.file, places.nextFile]),
    ...(ref.kind === 'os' ? [] : [places.marker]),
    ...(ref.kind === 'password' ? [] : [places.salt]),
  ]
  for (const path of old) {
    rmSync(path, { force: true })
    onStep(`removed ${path.slice(path.lastIndexOf('/') + 1)}`)
  }
  const warnings: string[] = []
  const from = readRef(bridge.from)
  if (from.kind === 'os') {
    try {
      store?.delete(from.id)
    } catch {
      warnings.push(`the old key stayed in the credential store, as ${from.id} of carapace: remove it there`)
    }
    onStep('old credential')
  }
  rmSync(places.bridge, { force: true })
  onStep('end')
  return warnings
}
