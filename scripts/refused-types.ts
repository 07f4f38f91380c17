/**
 * Promises that the compiler keeps: each file in `test/types/fail` must be refused, for the reason that its first line names (`// expect-error: TEXT`). They are
 * compiled together, under the rules of the program.
 */
import { spawn } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'

const FOLDER = 'test/types/fail'

/** The files that compile, or are refused for another reason; null when there is none. */
export async function missedRefusals(root: string): Promise<string | null> {
  const files = globSync(`${FOLDER}/*.ts`, { cwd: root }).sort()
  if (files.length === 0) return `there is no file in ${FOLDER}`
  const errors = await compile(root, files)
  const missed = files.flatMap((file) => {
    const expected = /^\/\/ expect-error: (.+)/.exec(readFileSync(join(root, file), 'utf8'))?.[1]?.trim()
    if (expected === undefined) return [`${file}: its first line is not \`// expect-error: TEXT\``]
    const found = errors.get(file) ?? []
    if (found.length === 0) return [`${file}: compiles, but must not`]
    return found.some((error) => error.includes(expected)) ? [] : [`${file}: refused, but not with “${expected}”:\n  ${found.join('\n  ')}`]
  })
  return missed.length === 0 ? null : missed.join('\n')
}

/** Errors by file. */
async function compile(root: string, files: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const folder = await mkdtemp(join(root, 'node_modules', '.refused-types-'))
  try {
    const project = join(folder, 'tsconfig.json')
    await writeFile(project, JSON.stringify({ extends: join(root, 'tsconfig.json'), include: [], exclude: [], files: files.map((file) => join(root, file)) }))
    const output = await compilerOutput(root, project)
    const errors = new Map<string, string[]>()
    let current: string[] = []
    for (const line of output.split('\n')) {
      const [, path, text] = /^(\S.*?)\(\d+,\d+\): (error TS\d+: .*)$/.exec(line) ?? []
      if (path !== undefined && text !== undefined) {
        const file = relative(root, join(root, path))
        current = errors.get(file) ?? []
        errors.set(file, current)
        current.push(text)
      } else if (line.startsWith(' ') && current.length > 0) current.push(`${current.pop() ?? ''} ${line.trim()}`)
    }
    return errors
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function compilerOutput(root: string, project: string): Promise<string> {
  const child = spawn(join(root, 'node_modules', '.bin', 'tsc'), ['-p', project, '--pretty', 'false'], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  for await (const chunk of child.stdout) output += String(chunk)
  return output
}
