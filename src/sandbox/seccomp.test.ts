import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seccompFilter, type Surroundings } from './seccomp.ts'
import { JUDGED, REFUSED, REFUSED_WITHOUT_NAMESPACES, UNKNOWN, numberOf, type Architecture } from './system-calls.ts'

const AUDIT = { x64: 0xc000_003e, arm64: 0xc000_00b7 } as const
const ALLOWED = 0x7fff_0000
const KILLED = 0x8000_0000
const EPERM = 0x0005_0001
const ENOSYS = 0x0005_0026

/** Runs the filter as the kernel does (bpf(4), seccomp(2)) over one call. */
function verdict(program: Buffer, call: { readonly arch: number; readonly nr: number; readonly args?: readonly bigint[] }): number {
  const data = Buffer.alloc(64)
  data.writeUInt32LE(call.nr, 0)
  data.writeUInt32LE(call.arch, 4)
  for (const [index, arg] of (call.args ?? []).entries()) data.writeBigUInt64LE(arg, 16 + 8 * index)
  let a = 0
  for (let at = 0; at < program.length / 8; at++) {
    const code = program.readUInt16LE(at * 8)
    const value = program.readUInt32LE(at * 8 + 4)
    const jump = (isTrue: boolean) => (at += program.readUInt8(at * 8 + (isTrue ? 2 : 3)))
    if (code === 0x20) a = data.readUInt32LE(value)
    else if (code === 0x54) a = (a & value) >>> 0
    else if (code === 0x06) return value
    else if (code === 0x15) jump(a === value)
    else if (code === 0x25) jump(a > value)
    else if (code === 0x35) jump(a >= value)
    else if (code === 0x45) jump((a & value) !== 0)
    else assert.fail(`unknown instruction ${code}`)
  }
  return assert.fail('the program has no end')
}

for (const architecture of ['x64', 'arm64'] as const satisfies readonly Architecture[]) {
  describe(`the filter of system calls on ${architecture}`, () => {
    const filters = { namespaces: seccompFilter(architecture, 'namespaces'), alone: seccompFilter(architecture, 'alone') }
    const ask = (surroundings: Surroundings, nr: number, ...args: readonly bigint[]) => verdict(filters[surroundings], { arch: AUDIT[architecture], nr, args })
    const number = (name: keyof typeof JUDGED) => numberOf(JUDGED[name], architecture) ?? assert.fail(name)

    it('refuses every call on its lists, and lets ordinary ones pass', () => {
      for (const [name, numbers] of Object.entries(REFUSED)) {
        const nr = numberOf(numbers, architecture)
        if (nr !== null) for (const where of ['namespaces', 'alone'] as const) assert.equal(ask(where, nr), EPERM, name)
      }
      for (const numbers of Object.values(UNKNOWN)) assert.equal(ask('namespaces', numberOf(numbers, architecture) ?? -1), ENOSYS)
      for (const [name, numbers] of Object.entries(REFUSED_WITHOUT_NAMESPACES)) {
        const nr = numberOf(numbers, architecture)
        if (nr !== null) assert.equal(ask('alone', nr), EPERM, name)
      }
      // read, write, exit_group, openat, execve
      for (const nr of architecture === 'x64' ? [0, 1, 231, 257, 59] : [63, 64, 94, 56, 221]) assert.equal(ask('alone', nr), ALLOWED)
    })

    it('ends calls of another architecture, and knows none that came later', () => {
      assert.equal(verdict(filters.namespaces, { arch: 0x4000_0003, nr: 0 }), KILLED)
      if (architecture === 'x64') assert.equal(ask('namespaces', 0x4000_0000 + 101), KILLED)
      assert.equal(ask('namespaces', 463), ENOSYS)
      assert.equal(ask('namespaces', 100_000), ENOSYS)
    })

    it('looks at as much of an argument as the kernel does', () => {
      for (const command of [0x5412n, 0x1_0000_5412n, 0xffff_ffff_0000_5412n]) assert.equal(ask('namespaces', number('ioctl'), 0n, command), EPERM)
      assert.equal(ask('namespaces', number('ioctl'), 0n, 0x5401n), ALLOWED)
      for (const flag of [0x0002_0000n, 0x0200_0000n, 0x0400_0000n, 0x0800_0000n, 0x1000_0000n, 0x2000_0000n, 0x4000_0000n]) {
        assert.equal(ask('namespaces', number('clone'), flag | 17n), EPERM, flag.toString(16))
      }
      assert.equal(ask('namespaces', number('clone'), 0x3d0f00n), ALLOWED, 'a thread')
    })

    it('lets a process change itself, and no other', () => {
      for (const name of ['prlimit64', 'sched_setaffinity', 'sched_setscheduler', 'sched_setparam', 'sched_setattr'] as const) {
        assert.equal(ask('alone', number(name), 0n), ALLOWED, name)
        assert.equal(ask('alone', number(name), 1234n), EPERM, name)
      }
      assert.equal(ask('alone', number('setpriority'), 0n, 0n), ALLOWED)
      for (const args of [
        [0n, 7n],
        [1n, 0n],
        [2n, 0n],
      ] as const)
        assert.equal(ask('alone', number('setpriority'), ...args), EPERM)
      assert.equal(ask('alone', number('ioprio_set'), 1n, 0n), ALLOWED)
      for (const args of [
        [1n, 7n],
        [2n, 0n],
        [3n, 0n],
      ] as const)
        assert.equal(ask('alone', number('ioprio_set'), ...args), EPERM)
    })

    it('opens sockets of a few families, where a namespace holds them', () => {
      for (const family of [1n, 2n, 10n]) assert.equal(ask('namespaces', number('socket'), family, 1n, 0n), ALLOWED)
      assert.equal(ask('namespaces', number('socket'), 16n, 3n, 0n), ALLOWED)
      for (const family of [17n, 31n, 38n, 40n, 44n]) assert.notEqual(ask('namespaces', number('socket'), family, 1n, 0n), ALLOWED)
      assert.notEqual(ask('namespaces', number('socket'), 16n, 3n, 9n), ALLOWED)
      for (const family of [1n, 2n, 10n, 16n]) assert.equal(ask('alone', number('socket'), family, 1n, 0n), EPERM)
      assert.equal(ask('alone', number('socketpair'), 1n, 0x80801n, 0n), ALLOWED)
      assert.equal(ask('alone', number('socketpair'), 1n, 2n, 0n), EPERM)
    })

    it('changes times of open files alone, where paths are not held', () => {
      assert.equal(ask('alone', number('utimensat'), 5n, 0n), ALLOWED)
      for (const path of [1n, 0x1_0000_0000n]) assert.equal(ask('alone', number('utimensat'), 5n, path), EPERM)
      assert.equal(ask('namespaces', number('utimensat'), 5n, 1n), ALLOWED)
    })
  })
}
