/** The pages say what is true: each check runs over every page, and over one that is wrong, so that no check can fall asleep. The tour of the README is taken. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import * as z from 'zod'
import {
  checkCommands,
  checkFiles,
  checkKeys,
  checkLinks,
  checkMessages,
  checkVariables,
  pages,
  readPage,
  shellCommands,
  split,
  type Check,
} from './page-checks.ts'

const root = dirname(dirname(import.meta.dirname))

interface Promised {
  readonly name: string
  readonly check: Check
  /** A page that is wrong, and what is found on it. */
  readonly wrong: string
  readonly found: readonly string[]
}

const promises: readonly Promised[] = [
  {
    name: 'links lead to files and headings',
    check: checkLinks,
    wrong: '[a](src/no-such-file.ts), [b](README.md#no-such-heading), [c](http://a.example), [d](LICENSE)',
    found: ['src/no-such-file.ts leads nowhere', 'README.md#no-such-heading has no such heading', 'http://a.example is no https link'],
  },
  {
    name: 'command lines are those of the program',
    check: checkCommands,
    wrong:
      '`cara strat --json`, `cara config get`\n\n```sh\nX=1 ./cara ask --sesion a hi | cara verify --outcom x\nnpm run nothing\ncara config get agent.modl # why\n```\n',
    found: ['unknown option --sesion', 'unknown option --outcom', 'there is no such script', 'agent.modl: there is no such key', 'there is no such command'],
  },
  {
    name: 'configuration keys exist',
    check: checkKeys,
    wrong: '`agent.budgets.maxStep`, `providers.openai.apikey: 1`, `routes.NAME.models`, `sessions.list`',
    found: ['agent.budgets.maxStep is', 'providers.openai.apikey is'],
  },
  { name: 'variables exist', check: checkVariables, wrong: 'set CARAPACE_NO_SUCH_VARIABLE', found: ['CARAPACE_NO_SUCH_VARIABLE'] },
  {
    name: 'messages are those of the program',
    check: checkMessages,
    wrong: '| message | what to do |\n|---|---|\n| `No gateway answers … on the moon` | `cara start` |\n',
    found: ['on the moon'],
  },
  { name: 'files exist', check: checkFiles, wrong: '`src/no-such-folder/`, `test/no.ts`, `src/app/`', found: ['src/no-such-folder/', 'test/no.ts'] },
]

test('there are pages to check', () => {
  for (const path of ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'docs/getting-started.md', 'docs/architecture.md', 'docs/cli.md'])
    assert.ok(pages.includes(path), path)
})

for (const { name, check, wrong, found } of promises) {
  test(name, async () => {
    const problems = await Promise.all(pages.map(async (path) => (await check(readPage(path))).map((problem) => `${path}: ${problem}`)))
    assert.deepEqual(problems.flat(), [])
  })

  test(`${name}: what does not is found`, async () => {
    const problems = await check({ path: 'WRONG.md', text: wrong })
    assert.equal(problems.length, found.length, problems.join('\n'))
    for (const [index, part] of found.entries()) assert.ok(problems[index]?.includes(part), `${problems[index]} is not about ${part}`)
  })
}

let folder = ''
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'carapace-tour-'))
})
after(() => rmSync(folder, { recursive: true }))

test('the tour of the README shows what the program says', async () => {
  const steps = split(readPage('README.md'))
    .blocks.filter(([language]) => language === 'console')
    .flatMap(([, code]) => stepsOf(code))
  assert.ok(steps.length >= 4)
  for (const { command, shown } of steps) {
    const said = await run(command)
    if (command.includes('--json')) assert.partialDeepStrictEqual(JSON.parse(said), steady(JSON.parse(shown)))
    else assert.equal(timeless(said), timeless(shown), command)
  }
})

interface Step {
  readonly command: string
  readonly shown: string
}

function stepsOf(code: string): readonly Step[] {
  return code
    .split(/^\$ /m)
    .slice(1)
    .map((step) => {
      const end = step.indexOf('\n')
      return { command: step.slice(0, end), shown: step.slice(end + 1) }
    })
}

async function run(command: string): Promise<string> {
  const words = shellCommands(command)[0] ?? []
  const env = {
    PATH: process.env['PATH'],
    CARAPACE_STATE_DIR: folder,
    CARAPACE_CONFIG_PATH: join(folder, 'carapace.json5'),
    CARAPACE_MODEL: 'demo:tiny',
    NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compile'),
  }
  const child = spawn(process.execPath, [join(root, 'src/app/main.ts'), ...words.slice(1)], { env, stdio: ['ignore', 'pipe', 'inherit'], timeout: 60_000 })
  const ended = once(child, 'close')
  const said = await text(child.stdout)
  assert.deepEqual(await ended, [0, null], command)
  return said
}

/** Time goes on. */
function timeless(said: string): string {
  return said.replaceAll(/\b\d\d:\d\d\b/g, 'TIME').replaceAll(/\b\w+day, \d{4}-\d\d-\d\d\b/g, 'DATE')
}

const turn = z.looseObject({ toolCalls: z.array(z.looseObject({})) })

function steady(shown: unknown): object {
  const { durationMs: _duration, toolCalls, ...rest } = turn.parse(shown)
  return { ...rest, toolCalls: toolCalls.map(({ ms: _ms, ...call }) => call) }
}
