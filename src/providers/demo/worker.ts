/** The thread that holds the demo model: reads the file once, then answers jobs in their order until the main thread ends it. An entry point of its own in the bundle. */
import { readFileSync, statSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { DemoModel } from './demo-model.ts'
import { ModelFileError } from './model-file-error.ts'
import { isJob } from './worker-protocol.ts'
import type { Job, Reply } from './worker-protocol.ts'

const MAX_FILE_BYTES = 16 * 1024 * 1024

function load(path: unknown): DemoModel | ModelFileError {
  try {
    if (typeof path !== 'string') throw new ModelFileError('no file was named')
    if (statSync(path).size > MAX_FILE_BYTES) throw new ModelFileError('it is too large')
    return new DemoModel(readFileSync(path))
  } catch (error) {
    return error instanceof ModelFileError ? error : new ModelFileError('it is missing or cannot be read')
  }
}

function answer(model: DemoModel | ModelFileError, { id, text, maxTokens, cancel }: Job): Reply {
  if (model instanceof ModelFileError) return { id, kind: 'unusable', why: model.message }
  return { id, ...model.generate(text, maxTokens, () => Atomics.load(cancel, 0) !== 0) }
}

const data: unknown = workerData
const model = load(data)
parentPort?.on('message', (job: unknown) => {
  if (isJob(job)) parentPort?.postMessage(answer(model, job), [])
})
