/**
 * How texts of people are kept: as they are, or sealed (`store.encrypt`), each bound to its column and row, so that one moved elsewhere does not open. Whoever keeps a text in a table
 * sends it through here, and adds its column to `sealedColumns`.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { AppError } from '../contracts/errors.ts'
import type { Texts } from '../contracts/store.ts'

const PREFIX = 'enc:t1:'
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** `mixed`: while texts are being converted both forms stand side by side. `locked`: sealed, and nobody gave the key. */
export type TextMode = 'plain' | 'mixed' | 'sealed' | 'locked'

export interface SwitchableTexts extends Texts {
  become(mode: TextMode, key: Buffer | null): void
  /** For the conversion. */
  sealed(place: string, row: string, text: string): string
}

export function createTexts(): SwitchableTexts {
  let mode: TextMode = 'plain'
  let key: Buffer | null = null
  const keyNow = (): Buffer => {
    if (key !== null) return key
    throw new AppError('secrets/sealed', 'the texts of this database are sealed', { hint: 'Start the gateway: it has the key' })
  }
  const texts: SwitchableTexts = {
    get isSealed() {
      return mode !== 'plain'
    },
    get isLocked() {
      return mode !== 'plain' && key === null
    },
    become(next, given) {
      mode = next
      key = given
    },
    seal: (place, row, text) => (mode === 'plain' ? text : texts.sealed(place, row, text)),
    sealed: (place, row, text) => encrypt(keyNow(), place, row, text),
    open(place, row, stored) {
      if (mode === 'plain') return stored
      if (stored.startsWith(PREFIX)) {
        const text = decrypt(keyNow(), place, row, stored)
        if (text !== null) return text
      }
      // Somebody who may write the file but lacks the key could put a text of his own here.
      if (mode !== 'mixed') throw changed(place)
      return stored
    },
    sealBytes: (place, row, bytes) => encryptBytes(keyNow(), place, row, bytes),
    openBytes(place, row, stored) {
      const bytes = decryptBytes(keyNow(), place, row, stored)
      if (bytes === null) throw changed(place)
      return bytes
    },
  }
  return texts
}

function changed(place: string): AppError {
  return new AppError('store/corrupt', `a sealed text of ${place} was changed or moved`, { hint: 'Restore a backup: cara restore FILE --force' })
}

function encrypt(key: Buffer, place: string, row: string, text: string): string {
  return PREFIX + encryptBytes(key, place, row, Buffer.from(text)).toString('base64url')
}

function encryptBytes(key: Buffer, place: string, row: string, bytes: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(boundTo(place, row))
  return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
}

/** Null where it does not open. */
function decrypt(key: Buffer, place: string, row: string, stored: string): string | null {
  return decryptBytes(key, place, row, Buffer.from(stored.slice(PREFIX.length), 'base64url'))?.toString('utf8') ?? null
}

function decryptBytes(key: Buffer, place: string, row: string, bytes: Uint8Array): Buffer | null {
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return null
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES }).setAAD(boundTo(place, row))
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
  } catch {
    return null
  }
}

const boundTo = (place: string, row: string) => Buffer.from(`carapace:text:v1:${place}:${row}`)
