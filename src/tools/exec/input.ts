import * as z from 'zod'

/** Every byte of a command is shown to the owner, so that all of it together stays readable. */
const MAX_CHARACTERS = 16 * 1024

/** Names that change how a program writes, never what it runs or loads. */
export const ENVIRONMENT_NAMES = ['LANG', 'LC_ALL', 'TZ', 'NO_COLOR', 'COLUMNS', 'LINES', 'CI', 'SOURCE_DATE_EPOCH'] as const

const argument = z
  .string()
  .max(MAX_CHARACTERS)
  .refine((text) => !text.includes('\0') && text.isWellFormed(), 'no argument can hold this')
const host = z
  .string()
  .regex(/^(?=.{1,253}(:|$))[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+(:\d{1,5})?$/, 'expected name:port in lower case')

export const execInput = z
  .strictObject({
    argv: z.array(argument).min(1).max(256),
    cwd: z.string().max(4096).optional(),
    env: z.partialRecord(z.enum(ENVIRONMENT_NAMES), z.string().regex(/^[\w.,:/+@ -]{0,64}$/)).optional(),
    stdin: z.string().max(MAX_CHARACTERS).optional(),
    hosts: z.array(host).max(16).optional(),
    timeoutMs: z.int().min(100).max(3_600_000).optional(),
  })
  .refine(({ argv: [program] }) => program !== '', 'argv[0] names a program')
  .refine(({ argv }) => argv.join(' ').length <= MAX_CHARACTERS, `at most ${MAX_CHARACTERS} characters`)

export type ExecInput = z.infer<typeof execInput>

const file = { path: z.string(), inode: z.string(), bytes: z.number(), sha256: z.string() }
/** What the owner’s word for a command is bound to, beside its arguments. */
export const commandBinding = z.strictObject({
  /** `path` is what is started, `file` where it really lies. */
  program: z.strictObject({ ...file, file: z.string() }),
  cwd: z.strictObject({ path: z.string(), inode: z.string() }),
  /** Of each argument that names a file which the program can read. */
  files: z.array(z.strictObject({ ...file, argument: z.number(), isScript: z.boolean() })),
  stdin: z.string().nullable(),
  writable: z.array(z.string()),
  hosts: z.array(z.string()),
  /** Names of the secrets that the program can have put into its requests to those hosts. */
  secrets: z.array(z.string()),
  sandbox: z.enum(['bubblewrap', 'landlock', 'seatbelt', 'none']),
})

export type CommandBinding = z.infer<typeof commandBinding>
