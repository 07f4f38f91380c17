/** The configuration. */
import * as z from 'zod'
import { json } from './shared.ts'

/** `config.get {key?}`: the whole configuration or one dotted path; secrets are `[secret]`. */
export const configGetResult = z.object({ value: json, hash: z.string().nullable(), file: z.string() })

/** `config.schema {}`: JSON Schema of the file. */
export const configSchemaResult = z.object({ schema: json })
