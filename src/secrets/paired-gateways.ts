/** This machine as a device of other gateways: its key and the tokens that they gave it, in one sealed file. */
import { join } from 'node:path'
import * as z from 'zod/mini'
import { AppError } from '../contracts/errors.ts'
import { atomicWrite } from '../std/atomic-write.ts'
import { makeSigningKey } from '../std/ed25519.ts'
import { readPrivate } from './create-once.ts'
import { sealedFiles } from './sealed-files.ts'
import type { Vault } from './vault.ts'

const gateway = z.object({ origin: z.string(), token: z.string(), scopes: z.array(z.string()), expiresAt: z.number() })
const identity = z.object({ publicKey: z.string(), privateKey: z.string(), gateways: z.array(gateway) })

export type PairedGateway = z.infer<typeof gateway>
export type Identity = z.infer<typeof identity>

const { file, place } = sealedFiles.paired

/** Null where it never asked anybody. Throws `secrets/sealed`. */
export function readIdentity(vault: Vault, stateDir: string): Identity | null {
  const sealed = readPrivate(join(stateDir, file))?.toString('utf8').trim()
  if (sealed === undefined) return null
  const parsed = identity.safeParse(JSON.parse(vault.open(place, sealed)))
  if (parsed.success) return parsed.data
  throw new AppError('secrets/sealed', join(stateDir, file), { hint: 'Remove the file and pair again: cara pair URL' })
}

/** Made where there is none yet. */
export async function ensureIdentity(vault: Vault, stateDir: string): Promise<Identity> {
  const found = readIdentity(vault, stateDir)
  if (found !== null) return found
  const made = { ...makeSigningKey(), gateways: [] }
  await writeIdentity(vault, stateDir, made)
  return made
}

export async function keepGateway(vault: Vault, stateDir: string, paired: PairedGateway): Promise<void> {
  const known = await ensureIdentity(vault, stateDir)
  await writeIdentity(vault, stateDir, { ...known, gateways: [...known.gateways.filter(({ origin }) => origin !== paired.origin), paired] })
}

async function writeIdentity(vault: Vault, stateDir: string, value: Identity): Promise<void> {
  await atomicWrite(join(stateDir, file), vault.seal(place, JSON.stringify(value)))
}
