/** Commands through the whole gateway: asked, answered, run. What a hijacked model asks for waits for the owner, whatever he allowed before. */
import assert from 'node:assert/strict'
import { chmod, copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Approval } from '../../src/contracts/approval.ts'
import type { Sandbox } from '../../src/contracts/sandbox.ts'
import { openSandbox } from '../../src/sandbox/open-sandbox.ts'
import { installBubblewrap } from '../doubles/install-packages.ts'
import { openCommands } from '../doubles/commands.ts'
import { calls, says, scriptedProvider, type Scene } from '../doubles/scripted-provider.ts'
import { testGateway } from '../doubles/test-gateway.ts'
import { bypasses, harmless } from '../security/bypasses.ts'

installBubblewrap()

async function start(scenes: readonly Scene[]) {
  const ran: string[] = []
  const opened = openSandbox({ sandbox: 'required', backend: 'auto' })
  const counting = async (): Promise<Sandbox> => {
    const sandbox = await opened
    return {
      ...sandbox,
      run(run, signal) {
        ran.push([run.program, ...run.args].join(' '))
        return sandbox.run(run, signal)
      },
    }
  }
  const commands = await openCommands({ sandbox: counting })
  const at = (name: string) => join(commands.workspace, name)
  for (const name of ['notes.txt', 'other.txt', 'a.tar', 'data.json', 'hello.py', 'Makefile']) await writeFile(at(name), `# ${name}\n`)
  for (const name of ['run.sh', 'show']) {
    await writeFile(at(name), '#!/bin/sh\necho "$@"\n')
    await chmod(at(name), 0o755)
  }
  await copyFile('/bin/sh', at('cat'))
  const cara = await testGateway({ providers: [scriptedProvider('fake', scenes)], tools: [commands.tool] })
  return {
    commands,
    cara,
    ran,
    at,
    async [Symbol.asyncDispose]() {
      await cara.close()
      await commands[Symbol.asyncDispose]()
    },
  }
}

const wants = (...all: readonly (readonly string[])[]): Scene => calls(...all.map((argv) => ['exec', { argv: [...argv] }] as const))
const argvOf = ({ input }: Approval) => (typeof input === 'object' && input !== null && 'argv' in input ? JSON.stringify(input['argv']) : '')

describe('a command', () => {
  it('is asked about with every argument, runs once it is allowed, and its output is somebody’s text', async () => {
    await using world = await start([wants(['sh', '-c', 'echo "$0" > made; cat made', '\u202Ereversed']), says('Done.')])
    const { turnId, approvals } = await world.cara.asked('Please run the script')
    const [approval] = approvals
    assert.ok(approval !== undefined)
    assert.ok(approval.holds.some(({ rule }) => rule === 'consentPerCall'))
    assert.ok(approval.shown.includes('argument 3: "\\u{202e}reversed"'), approval.shown.join('\n'))
    assert.ok(!approval.shown.join('').includes('\u202E'))
    assert.deepEqual(world.ran, [])
    await world.cara.answer(approvals, { decision: 'allow' })
    const end = await world.cara.next(turnId)
    assert.ok('turnId' in end)
    // What hides in a result is taken out of it on the way.
    assert.match(end.toolCalls[0]?.output ?? '', /^exit code 0\n\u202E?reversed\n/)
    assert.equal(world.ran.length, 1)
    assert.equal(world.cara.tools.find(({ name }) => name === 'exec')?.manifest.returns.trust, 'untrusted')
  })

  it('does not run when it is denied, nor when what it would run has changed since', async () => {
    await using world = await start([wants(['sh', 'run.sh']), says('As you wish.'), wants(['sh', 'run.sh']), says('It had changed.')])
    const first = await world.cara.asked('Run it')
    await world.cara.answer(first.approvals, { decision: 'deny' })
    await world.cara.next(first.turnId)
    const second = await world.cara.asked('Run it')
    await writeFile(world.at('run.sh'), 'echo hostile')
    await world.cara.answer(second.approvals, { decision: 'allow' })
    const next = await world.cara.next(second.turnId)
    assert.deepEqual(world.ran, [])
    assert.ok(Array.isArray(next), 'it is another question')
  })

  it('is a question for each of 190 bypasses, after always was said to all of their lookalikes', async () => {
    const size = 40
    const groups = Array.from({ length: Math.ceil(bypasses.length / size) }, (_, index) => bypasses.slice(index * size, (index + 1) * size))
    await using world = await start([wants(...harmless), says('All done.'), ...groups.map((group) => wants(...group))])
    const before = await world.cara.asked('Run them')
    assert.deepEqual(new Set(before.approvals.map(argvOf)), new Set(harmless.map((argv) => JSON.stringify(argv))))
    for (const approval of before.approvals)
      await world.cara.answer([approval], { decision: 'allow', unlock: approval.unlocks.includes('always') ? 'always' : 'once' })
    await world.cara.next(before.turnId)
    assert.ok(world.ran.length >= harmless.length - 2, `${world.ran.length}`)
    const ranBefore = world.ran.length
    const asked = new Set<string>()
    for (const [index, group] of groups.entries()) {
      // In the owner's own words, so that nothing but the rule for every call stands in between.
      const { approvals } = await world.cara.asked(`Run ${group.map((argv) => argv.map((each) => `"${each}"`).join(' ')).join(' and ')}`, {
        sessionKey: `s${index}`,
      })
      for (const approval of approvals) asked.add(argvOf(approval))
    }
    assert.equal(world.ran.length, ranBefore, world.ran.slice(ranBefore).join('\n'))
    // The rest names programs that are not there.
    assert.ok(asked.size > 100, `${asked.size}`)
  })
})
