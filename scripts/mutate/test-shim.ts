/**
 * Stands for `node:test` in a worker: tests are collected when their file is imported, and run when the worker says so, again and again. Only what the tests of this repository
 * use is here.
 */
import { setTimeout as setRealTimeout, clearTimeout as clearRealTimeout } from 'node:timers'

type Body = (context: object) => unknown
interface Options {
  readonly timeout?: number
  readonly skip?: boolean | string
}

interface Collected {
  readonly name: string
  readonly body: Body
  readonly timeout: number
  readonly hooks: readonly Hooks[]
}

interface Hooks {
  readonly before: Body[]
  readonly after: Body[]
  readonly beforeEach: Body[]
  readonly afterEach: Body[]
}

export interface Collection {
  readonly tests: readonly Collected[]
  run(index: number): Promise<Error | null>
  end(): Promise<void>
}

const TEST_MS = 20_000
const realMock = process.getBuiltinModule('node:test').mock
const state: { tests: Collected[]; hooks: Hooks[] } = { tests: [], hooks: [newHooks()] }

function newHooks(): Hooks {
  return { before: [], after: [], beforeEach: [], afterEach: [] }
}

function declare(name: string, ...rest: readonly (Options | Body)[]): void {
  const body = rest.find((one) => typeof one === 'function')
  const options = rest.find((one): one is Options => typeof one === 'object')
  if (body === undefined || (options?.skip ?? false) !== false) return
  state.tests.push({ name, body, timeout: options?.timeout ?? TEST_MS, hooks: [...state.hooks] })
}

export const test = (name: string, ...rest: readonly (Options | Body)[]): void => declare(name, ...rest)
export const it = (name: string, ...rest: readonly (Options | Body)[]): void => declare(name, ...rest)

export function describe(_name: string, ...rest: readonly (Options | Body)[]): void {
  const body = rest.find((one) => typeof one === 'function')
  if (body === undefined) return
  state.hooks.push(newHooks())
  try {
    body({})
  } finally {
    state.hooks.pop()
  }
}

const hook = (kind: keyof Hooks) => (body: Body) => void state.hooks.at(-1)?.[kind].push(body)
export const before = hook('before')
export const after = hook('after')
export const beforeEach = hook('beforeEach')
export const afterEach = hook('afterEach')
export const mock = realMock

/** What importing `load` declares. */
export async function collect(load: () => Promise<unknown>): Promise<Collection> {
  const root = newHooks()
  state.tests = []
  state.hooks = [root]
  await load()
  const { tests } = state
  const begun = new Set<Hooks>()
  return {
    tests,
    async run(index) {
      const one = tests[index]
      if (one === undefined) return new RangeError(`there is no test ${index}`)
      for (const hooks of one.hooks) {
        if (begun.has(hooks)) continue
        begun.add(hooks)
        for (const each of hooks.before) await each({})
      }
      return runOne(one)
    },
    async end() {
      for (const hooks of [...begun].toReversed()) for (const each of hooks.after) await each({})
      if (!begun.has(root)) for (const each of root.after) await each({})
    },
  }
}

/** What escapes a test fails the one that runs. */
const escaped: { fail: ((error: Error) => void) | null } = { fail: null }
const onEscaped = (error: unknown) => escaped.fail?.(error instanceof Error ? error : new Error(String(error)))
process.on('uncaughtException', onEscaped)
process.on('unhandledRejection', onEscaped)

async function runOne({ name, body, timeout, hooks }: Collected): Promise<Error | null> {
  const afters: Body[] = []
  const controller = new AbortController()
  const context = {
    name,
    mock: realMock,
    signal: controller.signal,
    after: (each: Body) => void afters.push(each),
    diagnostic: () => undefined,
    skip: () => undefined,
  }
  const stopped = Promise.withResolvers<never>()
  stopped.promise.catch(() => undefined)
  escaped.fail = (error) => stopped.reject(error)
  const timer = setRealTimeout(() => stopped.reject(new Error('the test took too long')), Math.min(timeout, TEST_MS))
  const all = async () => {
    for (const { beforeEach: list } of hooks) for (const each of list) await each(context)
    await body(context)
  }
  try {
    await Promise.race([all(), stopped.promise])
    return null
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  } finally {
    clearRealTimeout(timer)
    realMock.reset()
    realMock.timers.reset()
    controller.abort()
    const ends = [...afters.toReversed(), ...hooks.flatMap(({ afterEach: list }) => list)]
    await Promise.race([
      (async () => {
        for (const each of ends) await Promise.resolve(each(context)).catch(() => undefined)
      })(),
      new Promise((resolve) => setRealTimeout(resolve, 2000)),
    ])
    escaped.fail = null
  }
}
