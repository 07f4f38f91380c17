/** Finds model servers that already run on this machine, on the ports that they use when nobody says otherwise. */
import type { EgressFetch } from '../../contracts/egress.ts'
import { readModels } from './openai-compatible.ts'
import { readAtMost } from './read-body.ts'
import { parseJson } from './read-json.ts'

export interface LocalServer {
  readonly id: string
  /** With `/v1`. */
  readonly baseUrl: URL
  /** At least one. */
  readonly models: readonly string[]
}

/** In order of preference. llama.cpp and MLX share a port, as they share the protocol. */
export const LOCAL_PORTS: readonly (readonly [id: string, port: number])[] = [
  ['ollama', 11_434],
  ['llama-cpp', 8080],
  ['lm-studio', 1234],
  ['vllm', 8000],
]

const PROBE_MS = 300
/** The network code itself may have to be loaded first, which takes its time on a small machine and says nothing about the servers. */
const TOTAL_MS = 2000
const LISTING_BYTES = 1024 * 1024

/** Asks every port at once. What does not answer within 300 ms with a list of models is no model server; trouble of any kind means the same. */
export async function probeLocalServers(fetch: EgressFetch, signal: AbortSignal, ports = LOCAL_PORTS): Promise<readonly LocalServer[]> {
  const timely = AbortSignal.any([signal, AbortSignal.timeout(TOTAL_MS)])
  const found = await Promise.all(ports.map(([id, port]) => probe(fetch, id, new URL(`http://127.0.0.1:${port}/v1`), timely).catch(() => null)))
  signal.throwIfAborted()
  return found.filter((server) => server !== null)
}

async function probe(fetch: EgressFetch, id: string, baseUrl: URL, signal: AbortSignal): Promise<LocalServer | null> {
  const url = new URL(`${baseUrl.href}/models`)
  const headers = { accept: 'application/json' }
  const request = { method: 'GET', url, headers, headersTimeoutMs: PROBE_MS, idleTimeoutMs: PROBE_MS, policy: { origins: [url.origin] } } as const
  const response = await fetch(request, signal)
  const listed = response.status === 200 ? readModels(parseJson(await readAtMost(response.body, LISTING_BYTES))) : null
  if (response.status !== 200) await response.body[Symbol.asyncIterator]().return?.()
  return listed === null || listed.length === 0 ? null : { id, baseUrl, models: listed.map((model) => model.id) }
}
