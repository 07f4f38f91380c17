/** The token that opens the gateway: made at first start, kept sealed in the state folder, the same for every program that can read that folder. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { AppError } from '../contracts/errors.ts'
import { atomicWrite } from '../std/atomic-write.ts'
import { createOnce } from './create-once.ts'
import { sealedFiles } from './sealed-files.ts'
import type { Vault } from './vault.ts'

export interface GatewayToken {
  readonly token: string
  readonly source: 'environment' | 'state'
  /** Just now. */
  readonly isMade: boolean
}

const LEAST_LENGTH = 16
const PLACE = sealedFiles.token.place

const fileOf = (stateDir: string) => join(stateDir, sealedFiles.token.file)
const make = () => `cara_${randomBytes(32).toString('base64url')}`

/** `given` is `CARAPACE_GATEWAY_TOKEN`; it wins. Throws `secrets/sealed` and `config/invalid`. */
export function loadGatewayToken(vault: Vault, stateDir: string, given?: string): GatewayToken {
  if (given !== undefined && given !== '') {
    if (given.length >= LEAST_LENGTH && /^[\x21-\x7e]+$/.test(given)) return { token: given, source: 'environment', isMade: false }
    throw new AppError('config/invalid', `CARAPACE_GATEWAY_TOKEN needs ${LEAST_LENGTH} characters or more, without spaces`)
  }
  const file = fileOf(stateDir)
  let made: string | null = null
  const sealed = createOnce(file, () => (made = vault.seal(PLACE, make())))
  try {
    return { token: vault.open(PLACE, sealed.toString('utf8').trim()), source: 'state', isMade: sealed.toString('utf8') === made }
  } catch (error) {
    if (!(error instanceof AppError) || error.code === 'secrets/store-lost') throw error
    throw new AppError('secrets/sealed', file, {
      hint: error.hint === undefined || error.hint.startsWith('Set the value again') ? 'Delete the file and start again: a new token is made' : error.hint,
      cause: error,
    })
  }
}

/** A new token in the place of the old one; whoever has the folder open is told by `noteChange`. */
export async function replaceGatewayToken(vault: Vault, stateDir: string): Promise<string> {
  const token = make()
  await atomicWrite(fileOf(stateDir), vault.seal(PLACE, token))
  return token
}
