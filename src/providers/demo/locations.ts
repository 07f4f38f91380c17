/** Where the worker and the model file lie: beside the source in a checkout, below `dist/` in the bundle. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Locations {
  readonly worker: URL
  readonly model: string
}

/** `moduleUrl` is the caller's `import.meta.url`. A bundled caller may lie in `dist/` or in a folder of it. */
export function locate(moduleUrl: string): Locations {
  const source = new URL('./worker.ts', moduleUrl)
  if (existsSync(source)) return { worker: source, model: fileURLToPath(new URL('../../../assets/demo-model.gguf', moduleUrl)) }
  const beside = new URL('./demo-worker.js', moduleUrl)
  const worker = existsSync(beside) ? beside : new URL('../demo-worker.js', moduleUrl)
  return { worker, model: fileURLToPath(new URL('./assets/demo-model.gguf', worker)) }
}
