/** What is known of programs by their names. Whatever is not known here is taken for the worst. */
import { basename } from 'node:path'

/** What runs a file, or words of its arguments. The file that it is given first is pinned. */
const INTERPRETERS =
  /^(sh|bash|rbash|dash|zsh|ksh|mksh|fish|ash|csh|tcsh|busybox|toybox|python|pypy|perl|ruby|node|nodejs|deno|bun|php|lua|luajit|tclsh|wish|expect|awk|gawk|mawk|nawk|original-awk|sed|make|gmake|Rscript|guile|ocaml|julia|raku|gdb|bc|dc|jq|source|xargs|env|time|nohup|nice|timeout|setsid|stdbuf|script|watch|parallel|flock|ld|ld-linux|perf|strace|ltrace)(-?[\d.]+(-[\w-]+)?(\.so(\.\d+)*)?)?$/

/**
 * What does nothing but read files that it is given and write to its output. A later call of such a program may name another file of the workspace; options stay exactly as they were,
 * because some of them (`sort --compress-program`) run something.
 */
const READERS = new Set(
  'cat tac head tail wc ls stat file nl rev fold fmt cut paste join comm uniq tr expand unexpand column od hexdump xxd strings base32 base64 cksum md5sum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum sum cmp diff du df basename dirname realpath readlink grep fgrep egrep sort'.split(
    ' ',
  ),
)

export function isInterpreter(...paths: readonly string[]): boolean {
  return paths.some((path) => INTERPRETERS.test(basename(path)))
}

/** Only as the system brings it: a program of that name in the workspace may be anything. */
export function isReader(path: string, file: string): boolean {
  return isOfSystem(file) && READERS.has(basename(path)) && READERS.has(basename(file))
}

export const SEARCH_PATH = ['/usr/local/bin', '/usr/bin', '/bin'] as const
/** Shown to every program. */
export const SYSTEM = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/System', '/opt/homebrew']

export function isOfSystem(file: string): boolean {
  return SYSTEM.some((folder) => file.startsWith(`${folder}/`))
}
