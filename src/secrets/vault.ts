/**
 * Seals short texts with AES-256-GCM, each bound to its place (a configuration path), so that a sealed value moved elsewhere does not open.
 *
 * The key is derived from `CARAPACE_CONFIG_PASSWORD` where that is set; else it lies in the credential store of the system where there is one; else it is a random file,
 * `{state}/keys/master.key`. What each protects against: docs/security/secrets.md. A store that holds the key and does not answer closes the gate: there is no other key.
 *
 * `enc:v3:k:NONCE:SEALED` with the key file, `enc:v3:o:ID:…` with the store, `enc:v3:p:KIBIBYTES,PASSES,LANES,SALT:…` with the password; everything is base64url.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { CredentialStore } from '../contracts/credential-store.ts'
import { AppError } from '../contracts/errors.ts'
import { createOnce } from './create-once.ts'
import { createKeys, type Crossed, describeRef, isSealedYet, type KeyKind, keyPlaces, type KeyRef, readMarker, readRef } from './keys.ts'
import { decrypt, encrypt, KEY_BYTES, newDerivation } from './sealing.ts'

export interface Vault {
  /** Makes the key where there is none yet. */
  seal(path: string, text: string): string
  /** Throws `secrets/sealed` and `secrets/store-lost`. */
  open(path: string, sealed: string): string
  /** What new values are sealed with; null where there is no key yet. */
  kind(): KeyKind | null
  /** For a change of the key; made where there is none yet. */
  current(): { readonly ref: KeyRef; readonly key: Buffer }
  bridged(): Crossed | null
}

const PREFIX = 'enc:v3:'
const MAX_SEALED = 131_072

export function createVault(stateDir: string, password?: string, store: CredentialStore | null = null): Vault {
  const places = keyPlaces(stateDir)
  const keys = createKeys(places, password, store)

  /** Null where one must be made. */
  const known = (): KeyRef | 'password' | null => {
    if (password !== undefined) return 'password'
    const id = readMarker(places)
    if (id !== null) return { kind: 'os', id }
    return existsSync(places.file) ? { kind: 'file' } : null
  }
  const current = (): KeyRef => {
    const ref = known()
    if (ref === 'password') return { kind: 'password', derivation: newDerivation(createOnce(places.salt, () => randomBytes(16))) }
    return ref ?? makeKey()
  }
  const makeKey = (): KeyRef => {
    if (isSealedYet(stateDir)) {
      throw new AppError('secrets/sealed', 'the key of what was sealed before is missing', {
        hint: 'Restore the keys folder, or set CARAPACE_CONFIG_PASSWORD if a password was used',
      })
    }
    const id = store === null ? null : storeNewKey(store)
    if (id === null) {
      createOnce(places.file, () => randomBytes(KEY_BYTES))
      return { kind: 'file' }
    }
    const marker: unknown = JSON.parse(createOnce(places.marker, () => JSON.stringify({ version: 1, id })).toString('utf8'))
    return JSON.stringify(marker) === JSON.stringify({ version: 1, id }) ? { kind: 'os', id } : current()
  }

  /** The reason why the value did not open directly is the one that counts. */
  const openBridged = (path: string, rest: readonly string[]): string | null => {
    const crossed = keys.bridged()
    for (const key of crossed === null ? [] : [crossed.from, crossed.to]) {
      try {
        return decrypt(key, path, rest)
      } catch {
        // The other one.
      }
    }
    return null
  }

  return {
    seal(path, text) {
      const ref = current()
      return sealWith(keys.get(ref), ref, path, text)
    },
    open(path, sealed) {
      const { ref, rest } = readSealed(sealed)
      try {
        return decrypt(keys.get(ref), path, rest)
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        const opened = openBridged(path, rest)
        if (opened === null) throw error
        return opened
      }
    },
    current() {
      const ref = current()
      return { ref, key: keys.get(ref) }
    },
    bridged: () => keys.bridged(),
    kind() {
      const ref = known()
      return ref === 'password' ? ref : (ref?.kind ?? null)
    },
  }
}

/** Null where the store does not answer, as on a machine without a desktop session. */
function storeNewKey(store: CredentialStore): string | null {
  const id = randomBytes(12).toString('base64url')
  try {
    store.write(id, randomBytes(KEY_BYTES))
    return id
  } catch (error) {
    if (error instanceof AppError) return null
    throw error
  }
}

export function sealWith(key: Buffer, ref: KeyRef, path: string, text: string): string {
  return `${PREFIX}${describeRef(ref)}:${encrypt(key, path, text)}`
}

/** Throws `secrets/sealed` for what is not a sealed text. */
export function readSealed(sealed: string): { readonly ref: KeyRef; readonly rest: readonly string[] } {
  const parts = sealed.length <= MAX_SEALED && sealed.startsWith(PREFIX) ? sealed.slice(PREFIX.length).split(':') : []
  const length = parts[0] === 'k' ? 1 : 2
  if (parts.length !== length + 2) throw new AppError('secrets/sealed', 'it is damaged')
  return { ref: readRef(parts.slice(0, length).join(':')), rest: parts.slice(length) }
}
