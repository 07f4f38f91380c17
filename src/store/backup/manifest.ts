/** The first member of a backup says what follows, in order: paths, sizes and hashes. Whatever is not announced here is refused. */
import * as z from 'zod/mini'
import { invalid } from './tar.ts'

export const FORMAT = 1
export const MANIFEST = 'manifest.json'
export const DATABASE = 'database/carapace.db'
export const CONFIG = 'config/carapace.json5'
export const MAX_MEMBERS = 50_000
export const MAX_MANIFEST_BYTES = 16 * 1024 * 1024

/** What belongs to a process or to this machine, what can be made again, and what programs work in. Beside them, everything of the state folder is kept. */
const NOT_STATE = /^(?:carapace\.db(?:-wal|-shm|-journal)?|gateway\.lock|gateway\.json|keys\.lock|logs|exec|workspace|backups|restore|backup-.*|.*\.tmp)$/
const PART = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,79}$/

/** Whether something of this name, at the top of the state folder, is kept in a backup. */
export function isState(name: string): boolean {
  return PART.test(name) && !NOT_STATE.test(name)
}

export function isMemberPath(path: string): boolean {
  if (path === DATABASE || path === CONFIG) return true
  const [folder, top, ...deeper] = path.split('/')
  return folder === 'state' && top !== undefined && isState(top) && deeper.length <= 2 && deeper.every((part) => PART.test(part)) && path.length <= 100
}

const manifest = z.strictObject({
  format: z.literal(FORMAT),
  version: z.string().check(z.maxLength(64)),
  createdAt: z.int().check(z.gte(0)),
  /** Of the database; null where it lies on a server. */
  schema: z.nullable(z.int().check(z.gte(0))),
  hasKeys: z.boolean(),
  /** Fingerprint of the key of the audit trail. */
  auditKey: z.nullable(z.string().check(z.regex(/^[\w-]{22}$/))),
  members: z
    .array(
      z.strictObject({
        path: z.string().check(z.refine(isMemberPath)),
        size: z.int().check(z.gte(0)),
        sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
      }),
    )
    .check(z.maxLength(MAX_MEMBERS)),
})
export type Manifest = z.infer<typeof manifest>
export type Member = Manifest['members'][number]

export function parseManifest(bytes: Buffer): Manifest {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw invalid('its manifest is damaged')
  }
  if (typeof value === 'object' && value !== null && 'format' in value && typeof value.format === 'number' && value.format > FORMAT)
    throw invalid('a newer carapace made it')
  const parsed = manifest.safeParse(value)
  if (!parsed.success) throw invalid(`its manifest names what no backup holds (${parsed.error.issues[0]?.path.join('.') ?? ''})`)
  // Where names differ by their case alone, one of them would replace the other on some machines.
  const names = parsed.data.members.map(({ path }) => path.toLowerCase())
  if (new Set(names).size !== names.length) throw invalid('it holds a name twice')
  const folders = new Set(names.flatMap((name) => name.split('/').map((_, index, parts) => parts.slice(0, index).join('/'))))
  if (names.some((name) => folders.has(name))) throw invalid('it holds a name that is a file and a folder')
  return parsed.data
}

export const totalBytes = ({ members }: Pick<Manifest, 'members'>) => members.reduce((sum, { size }) => sum + size, 0)
