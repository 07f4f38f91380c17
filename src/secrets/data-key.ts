/** The key with which the store seals texts: made when it is first needed, kept sealed by the vault. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createOnce } from './create-once.ts'
import { sealedFiles } from './sealed-files.ts'
import { KEY_BYTES } from './sealing.ts'
import type { Vault } from './vault.ts'

/** Throws `secrets/sealed` and `secrets/store-lost`. */
export function loadDataKey(vault: Vault, stateDir: string): Buffer {
  const { file, place } = sealedFiles.data
  const sealed = createOnce(join(stateDir, file), () => vault.seal(place, randomBytes(KEY_BYTES).toString('base64url')))
  return Buffer.from(vault.open(place, sealed.toString('utf8').trim()), 'base64url')
}

export function hasDataKey(stateDir: string): boolean {
  return existsSync(join(stateDir, sealedFiles.data.file))
}
