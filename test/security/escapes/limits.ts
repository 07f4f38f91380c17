/** Attempts to use up the machine, or to stay. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { perl, shell, type Attempt, type World } from './world.ts'

const MIB = 1024 * 1024

/** What was left running has had its time. */
const wroteLate = async ({ workspace }: World) => {
  await sleep(1200)
  return existsSync(join(workspace, 'late'))
}

export const limits: readonly Attempt[] = [
  {
    name: 'starts processes without end',
    argv: () =>
      perl('$| = 1; for (1..300) { $p = fork; defined $p or last; if (!$p) { sleep 2; exit } $n++ } sleep 1; print "ESCAPED" if $n == 300; kill 9, 0'),
    limits: { maxProcesses: 20 },
  },
  { name: 'takes more memory', argv: () => perl('$x = "x" x (600 * 1024 * 1024); sleep 1; print "ESCAPED"'), limits: { memoryBytes: 128 * MIB } },
  {
    name: 'takes more memory in many processes',
    argv: () => perl('for (1..8) { if (!fork) { $x = "x" x (40 * 1024 * 1024); sleep 2; exit } } sleep 1; print "ESCAPED"; 1 while wait > 0'),
    limits: { memoryBytes: 128 * MIB },
  },
  {
    name: 'keeps more in files of memory',
    argv: () => shell('head -c 150000000 /dev/zero > /dev/shm/carapace-escape && echo ESCAPED; rm -f /dev/shm/carapace-escape'),
    limits: { maxFileBytes: 512 * MIB },
  },
  { name: 'writes a larger file', argv: () => shell('head -c 40000000 /dev/zero > big && echo ESCAPED'), limits: { maxFileBytes: 16 * MIB } },
  {
    name: 'fills the disk with many files',
    argv: () => shell('for i in 1 2 3 4 5 6 7 8 9 10; do head -c 8000000 /dev/urandom > f$i; done; sync; sleep 2; echo ESCAPED'),
    limits: { maxDiskBytes: 24 * MIB },
  },
  { name: 'writes without end', argv: () => shell('head -c 3000000 /dev/zero; echo ESCAPED'), limits: { maxOutputBytes: 100_000 } },
  { name: 'takes longer', argv: () => shell('sleep 1; echo ESCAPED'), limits: { timeoutMs: 300 } },
  { name: 'takes longer and will not hear of it', argv: () => shell('trap "" TERM INT HUP; sleep 1; echo ESCAPED'), limits: { timeoutMs: 300 } },
  { name: 'leaves a process behind', argv: () => shell('(sleep 0.6; echo x > late) > /dev/null 2>&1 & exit 0'), escaped: wroteLate },
  {
    name: 'leaves a process behind in a session of its own',
    argv: () =>
      perl(
        'use POSIX; fork and exit; setsid; fork and exit; close STDIN; close STDOUT; close STDERR; select undef, undef, undef, 0.6; open F, ">", "late" and print F "x"',
      ),
    escaped: wroteLate,
  },
  {
    name: 'leaves a process behind that holds its output',
    argv: () => perl('use POSIX; fork and exit; setsid; select undef, undef, undef, 0.6; open F, ">", "late" and print F "x"'),
    escaped: wroteLate,
  },
]
