/** What is kept: of a conversation, and for how long. */
import * as z from 'zod'

/** `db.prune {}`: forgets what `retention` says; rows that went, by table. */
export const dbPruneResult = z.object({ forgotten: z.record(z.string(), z.number()) })

/** `data.show {key}`: what is kept about a conversation. */
export const dataShowResult = z.object({ key: z.string(), rows: z.record(z.string(), z.number()), notes: z.array(z.string()) })

/** `data.export {key, kind, offset}`: a page of it. */
export const dataExportResult = z.object({ rows: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.null()]))), next: z.number().nullable() })

/** `data.erase {key}`: all of it, for good. */
export const dataEraseResult = z.object({ key: z.string(), notes: z.array(z.string()), copies: z.number() })
