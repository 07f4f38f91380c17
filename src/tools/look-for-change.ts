/** Whether something is as it was: marks of a file and of a page, to be compared with those of another time. Nothing of what stands there is kept. */
import { createHash } from 'node:crypto'
import type { EgressFetch } from '../contracts/egress.ts'
import { AppError } from '../contracts/errors.ts'
import { locatePlace, openChecked, type FileAccess } from './file-access.ts'
import { closeBody, publicRequest, readBytes } from './public-body.ts'

const MAX_FILE_BYTES = 64 * 1024 * 1024
const MAX_PAGE_BYTES = 4 * 1024 * 1024
const PAGE_MS = 10_000
const ABSENT = 'absent'

/** Of a file under the roots, by its bytes. One that is not there has a mark too. Throws `file/…`. */
export async function fileMark(path: string, access: FileAccess): Promise<string> {
  const found = await locatePlace(path, access)
  if (!found.exists) return ABSENT
  const { handle, stats } = await openChecked(found)
  try {
    if (stats.size > MAX_FILE_BYTES) return `${stats.size} ${stats.mtimeMs}`
    const hash = createHash('sha256')
    for await (const chunk of handle.createReadStream({ autoClose: false })) hash.update(chunk)
    return hash.digest('base64url')
  } finally {
    await handle.close()
  }
}

/** Of a public page, by its bytes; where the server says that it is as it was, it is not read. Throws `net/…`, and `tool/failed` for an answer that is no page. */
export async function pageMark(url: string, before: string | null, fetch: EgressFetch, signal: AbortSignal): Promise<string> {
  const [known, etag = ''] = before?.split(' ') ?? []
  const headers = etag === '' ? {} : { 'if-none-match': Buffer.from(etag, 'base64url').toString() }
  const response = await fetch({ ...publicRequest(url, headers, MAX_PAGE_BYTES), totalTimeoutMs: PAGE_MS }, signal)
  if (response.status === 304 && known !== undefined && before !== null) {
    await closeBody(response)
    return before
  }
  if (response.status < 200 || response.status > 299) {
    await closeBody(response)
    throw new AppError('tool/failed', `the server answered ${response.status}`)
  }
  const { bytes } = await readBytes(response, MAX_PAGE_BYTES)
  const given = response.headers['etag'] ?? ''
  const tag = /^(?:W\/)?"[\x21\x23-\x7e]{1,200}"$/.test(given) ? ` ${Buffer.from(given).toString('base64url')}` : ''
  return `${createHash('sha256').update(bytes).digest('base64url')}${tag}`
}

/** Whether two marks say the same. */
export function isSameMark(one: string, other: string | null): boolean {
  return other !== null && one.split(' ')[0] === other.split(' ')[0]
}
