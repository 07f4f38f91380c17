/** Finds what a command would run and read, and says it in hashes and identities: what the owner agrees to is this and nothing else. */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { access, mkdir, realpath, stat } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { AppError } from '../../contracts/errors.ts'
import { contains, findInsideRoots } from '../../std/inside-roots.ts'
import { hashFile } from './hash-file.ts'
import type { CommandBinding, ExecInput } from './input.ts'
import { SEARCH_PATH, SYSTEM, isInterpreter, isOfSystem } from './programs.ts'
import type { ExecSettings } from './settings.ts'

const WEB_PORT = 443
/** Forms in which an argument holds a path: itself, `--option=path`, `@path`, `-Ipath` (two characters of option). */
const PATH_INSIDE = [/^(.+)$/s, /^[^=]*=(.+)$/s, /^@(.+)$/s, /^-[A-Za-z](.+)$/s]

export async function bindCommand(input: ExecInput, settings: ExecSettings, signal: AbortSignal): Promise<CommandBinding> {
  const { backend, hasNetwork } = await settings.sandbox()
  const hosts = [...new Set(input.hosts?.map((host) => (host.includes(':') ? host : `${host}:${WEB_PORT}`)))].sort()
  if (hosts.length > 0 && !hasNetwork) {
    throw new AppError('sandbox/unavailable', `${backend} cannot let a program reach one host alone`, {
      hint: 'Leave hosts out, or have the owner install bubblewrap',
    })
  }
  await mkdir(settings.workspace, { recursive: true, mode: 0o700 })
  const workspace = await realpath(settings.workspace)
  const cwd = await workingFolder(input.cwd, workspace, settings)
  // In the workspace, or in one folder of the owner beside it: never in all of them.
  const writable = contains(workspace, cwd.path) ? [workspace] : [workspace, cwd.root]
  const readable = [...writable, ...settings.readFolders]
  await mustHoldNothingOfOurs(readable, settings)
  const program = await findProgram(input.argv[0] ?? '', cwd.path, readable, signal)
  const files = await findFiles(input, program, cwd.path, readable, signal)
  return {
    program,
    cwd: { path: cwd.path, inode: cwd.inode },
    files,
    stdin: input.stdin === undefined ? null : createHash('sha256').update(input.stdin).digest('hex'),
    writable,
    hosts,
    secrets: [...settings.secretsFor(hosts)],
    sandbox: backend,
  }
}

/** A folder that a program sees must not lead to keys, journal or configuration: not contain them, and not lie among them. */
async function mustHoldNothingOfOurs(folders: readonly string[], { protectedPaths }: ExecSettings): Promise<void> {
  for (const own of protectedPaths) {
    const path = await realpath(own).catch(() => own)
    const workspace = join(path, 'workspace')
    for (const folder of [...folders, ...SYSTEM]) {
      const real = await realpath(folder).catch(() => folder)
      if (!contains(real, path) && (!contains(path, real) || contains(workspace, real))) continue
      throw new AppError('sandbox/unavailable', `${folder} would show programs what belongs to the gateway (${own})`, {
        hint: 'Choose another folder (exec.workspace, exec.readFolders, filesystem.roots), or another state folder (CARAPACE_STATE_DIR)',
      })
    }
  }
}

async function workingFolder(wanted: string | undefined, workspace: string, { writableRoots }: ExecSettings) {
  const found = await findInsideRoots(wanted ?? workspace, [workspace, ...writableRoots])
  if (found === null || !found.exists) {
    throw new AppError('file/outside-roots', 'cwd', { hint: `A command starts in ${[workspace, ...writableRoots].join(' or ')}; leave cwd out for the first` })
  }
  const stats = await stat(found.path, { bigint: true })
  if (!stats.isDirectory()) throw new AppError('tool/invalid-input', 'cwd is no folder')
  return { path: found.path, root: found.root, inode: `${stats.dev}:${stats.ino}` }
}

async function findProgram(name: string, cwd: string, readable: readonly string[], signal: AbortSignal): Promise<CommandBinding['program']> {
  const places = name.includes('/') ? [resolve(cwd, name)] : SEARCH_PATH.map((folder) => join(folder, name))
  for (const path of places) {
    const file = await realpath(path).catch(() => null)
    if (file === null || !(await isProgram(file))) continue
    if (isOfSystem(file) && isOfSystem(path)) return { path, file, ...(await hashFile(file, true, signal)) }
    // Links into the workspace are followed now: what they lead to later does not matter.
    if (readable.some((folder) => contains(folder, file))) return { path: file, file, ...(await hashFile(file, false, signal)) }
  }
  const hint = name.includes('/')
    ? 'It must lie in the workspace or in a folder of the system'
    : 'argv[0] is a program, not a line for a shell; builtins of shells are none'
  throw new AppError('tool/invalid-input', 'there is no such program', { hint })
}

async function isProgram(file: string): Promise<boolean> {
  const stats = await stat(file).catch(() => null)
  if (stats?.isFile() !== true) return false
  return await access(file, constants.X_OK).then(
    () => true,
    () => false,
  )
}

async function findFiles(
  { argv }: ExecInput,
  program: CommandBinding['program'],
  cwd: string,
  readable: readonly string[],
  signal: AbortSignal,
): Promise<CommandBinding['files']> {
  const files: CommandBinding['files'] = []
  const runsScript = isInterpreter(program.path, program.file)
  for (const [argument, text] of argv.entries()) {
    if (argument === 0) continue
    for (const path of await readableFilesIn(text, cwd, readable)) {
      const isScript = runsScript && !files.some((file) => file.isScript)
      files.push({ argument, path, ...(await hashFile(path, false, signal)), isScript })
    }
  }
  return files
}

/** Nothing is said of what lies elsewhere: no program will find it there. */
async function readableFilesIn(text: string, cwd: string, readable: readonly string[]): Promise<readonly string[]> {
  const found = new Set<string>()
  for (const form of PATH_INSIDE) {
    const inside = form.exec(text)?.[1]
    if (inside === undefined || inside.length > 4096) continue
    const place = await findInsideRoots(isAbsolute(inside) ? inside : resolve(cwd, inside), readable)
    if (place?.exists !== true) continue
    const stats = await stat(place.path).catch(() => null)
    if (stats?.isFile() === true) found.add(place.path)
  }
  return [...found]
}
