/** Attempts to read or change what is not the sandbox's. */
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { perl, shell, tellsEnvironment, tellsSecret, statOf, type Attempt, type World } from './world.ts'

const inHome = (name: string) => (world: World) => existsSync(join(world.home, name))

export const files: readonly Attempt[] = [
  { name: 'reads a file of the owner', argv: ({ secret }) => ['/bin/cat', secret], escaped: tellsSecret },
  { name: 'reads the state folder beside its workspace', argv: ({ state }) => ['/bin/cat', `${state}/gateway-token.sealed`], escaped: tellsSecret },
  { name: 'reads the state folder by ..', argv: () => ['/bin/cat', '../gateway-token.sealed'], escaped: tellsSecret },
  { name: 'reads the configuration', argv: ({ folder }) => ['/bin/cat', `${folder}/carapace.json5`], escaped: tellsSecret },
  { name: 'reads the passwords of the system', argv: () => shell('head -c 4 /etc/shadow | grep -q . && echo ESCAPED') },
  { name: 'reads the accounts of the system', argv: () => shell('grep -q root /etc/passwd && echo ESCAPED') },
  { name: 'lists the home', argv: ({ home }) => shell(`ls ${home} | grep -q secret && echo ESCAPED`) },
  { name: 'reads through a symbolic link', argv: ({ secret }) => shell(`ln -s ${secret} link; cat link`), escaped: tellsSecret },
  { name: 'reads through a hard link', argv: ({ secret }) => shell(`ln ${secret} hard; cat hard`), escaped: tellsSecret },
  { name: 'reads through the root of the gateway', argv: ({ secret }) => ['/bin/cat', `/proc/${process.pid}/root${secret}`], escaped: tellsSecret },
  { name: 'reads through its own root', argv: ({ secret }) => ['/bin/cat', `/proc/self/root${secret}`], escaped: tellsSecret },
  { name: 'reads through the root of another process', argv: ({ victim, secret }) => ['/bin/cat', `/proc/${victim}/root${secret}`], escaped: tellsSecret },
  { name: 'reads through the folder of another process', argv: ({ victim }) => ['/bin/cat', `/proc/${victim}/cwd/secret`], escaped: tellsSecret },
  {
    name: 'reads through a descriptor that was left open',
    argv: ({ descriptor }) => perl(`open F, "<&=${descriptor}" and print <F>`),
    escaped: tellsSecret,
  },
  { name: 'reads the environment of another process', argv: ({ victim }) => ['/bin/cat', `/proc/${victim}/environ`], escaped: tellsEnvironment },
  {
    name: 'reads the memory of another process',
    argv: ({ victim }) => perl(`open F, "<", "/proc/${victim}/mem" or exit; sysseek F, ${statOf(victim, 50)}, 0; sysread F, $x, 4096; print $x`),
    escaped: tellsEnvironment,
  },
  { name: 'writes outside', argv: ({ home }) => shell(`echo x > ${home}/written`), escaped: inHome('written') },
  { name: 'writes through a linked folder', argv: ({ home }) => shell(`ln -s ${home} out; echo x > out/planted`), escaped: inHome('planted') },
  { name: 'moves a file out', argv: ({ home }) => shell(`echo x > mine; mv mine ${home}/moved`), escaped: inHome('moved') },
  { name: 'makes a folder outside', argv: ({ home }) => ['/bin/mkdir', `${home}/made`], escaped: inHome('made') },
  { name: 'deletes a file outside', argv: ({ secret }) => ['/bin/rm', '-f', secret], escaped: ({ secret }) => !existsSync(secret) },
  {
    name: 'truncates a file outside',
    argv: ({ secret }) => perl(`truncate "${secret}", 0`),
    escaped: ({ secret }) => statSync(secret).size === 0,
  },
  {
    name: 'opens a file of the owner to everybody',
    argv: ({ secret }) => ['/bin/chmod', '777', secret],
    escaped: ({ secret }) => (statSync(secret).mode & 0o777) === 0o777,
  },
  { name: 'locks the owner out of his home', argv: ({ home }) => ['/bin/chmod', '000', home], escaped: ({ home }) => (statSync(home).mode & 0o777) === 0 },
  { name: 'gives a file of the owner away', argv: ({ secret }) => ['/bin/chown', '4242', secret], escaped: ({ secret }) => statSync(secret).uid === 4242 },
  {
    name: 'changes the time of a file outside',
    argv: ({ secret }) => ['/usr/bin/touch', '-d', '2001-01-01', secret],
    escaped: ({ secret }) => statSync(secret).mtime.getUTCFullYear() <= 2001,
  },
  {
    name: 'watches a folder outside',
    argv: ({ home }) =>
      perl(
        `$fd = syscall(${process.arch === 'x64' ? 294 : 26}, 0); $p = "${home}"; $fd >= 0 and syscall(${process.arch === 'x64' ? 254 : 27}, $fd, $p, 0xfff) > 0 and print "ESCAPED"`,
      ),
  },
  {
    name: 'leaves something in the temporary folder of all',
    argv: ({ victim }) => shell(`echo x > /tmp/carapace-escape-left-${victim}`),
    escaped({ victim }) {
      const path = `/tmp/carapace-escape-left-${victim}`
      const isThere = existsSync(path)
      rmSync(path, { force: true })
      return isThere
    },
  },
  {
    name: 'plants a program in the system',
    argv: ({ victim }) => shell(`echo x > /usr/local/bin/carapace-escape-${victim}`),
    escaped({ victim }) {
      const path = `/usr/local/bin/carapace-escape-${victim}`
      const isThere = existsSync(path)
      rmSync(path, { force: true })
      return isThere
    },
  },
  { name: 'makes a device', argv: () => shell('mknod device c 1 3 && test -c device && echo ESCAPED') },
  {
    name: 'changes a setting of the kernel',
    argv: () => shell(`echo "${readFileSync('/proc/sys/kernel/printk', 'latin1').trim()}" > /proc/sys/kernel/printk && echo ESCAPED`),
  },
  { name: 'directs interrupts', argv: () => shell('cat /proc/irq/default_smp_affinity > mask && cat mask > /proc/irq/default_smp_affinity && echo ESCAPED') },
]
