/** Where the gateway of a state folder can be reached: written when it listens, removed when it stops. A dead one's file is harmless: nobody answers there. */
import { readFile, rm } from 'node:fs/promises'
import * as z from 'zod/mini'
import { atomicWrite } from '../std/atomic-write.ts'

const instance = z.object({ pid: z.int(), host: z.string(), port: z.int().check(z.gte(1), z.lte(65_535)), version: z.string() })
export type Instance = z.infer<typeof instance>

export async function writeInstance(path: string, value: Instance): Promise<void> {
  await atomicWrite(path, `${JSON.stringify(value)}\n`)
}

export async function readInstance(path: string): Promise<Instance | null> {
  const text = await readFile(path, 'utf8').catch(() => null)
  if (text === null) return null
  try {
    return instance.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}

export async function removeInstance(path: string): Promise<void> {
  await rm(path, { force: true })
}
