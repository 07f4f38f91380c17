/** The whole program in this process, as a configuration file makes it, with a model server on loopback. What a test sees here, the owner of that file sees. */
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { gatewayToken } from '../../src/app/secrets.ts'
import { createServices } from '../../src/app/services.ts'
import { resolvePaths } from '../../src/config/paths.ts'
import { chatSendResult } from '../../src/contracts/ws/chat.ts'
import type { turnResult } from '../../src/contracts/ws/shared.ts'
import type { GatewayClient } from '../../src/net/gateway-client.ts'
import { assertNoSecretIn } from './canaries.ts'
import { startModelServer, type ModelServer } from './model-server.ts'

export interface ConfiguredGateway extends AsyncDisposable {
  readonly url: string
  readonly host: string
  readonly port: number
  readonly token: string
  readonly folder: string
  /** Behind `providers.openai`; the default model is `openai:test`. */
  readonly upstream: ModelServer
  readonly client: GatewayClient
  /** One turn to its end. */
  chat(message: string, sessionKey?: string): Promise<z.infer<typeof turnResult>>
  /** The body that the model server received at the n-th request. */
  sent(index: number): z.infer<typeof chatBody>
  request(path: string, more?: RequestOptions): Promise<Answer>
  logged(): string
  stop(): Promise<void>
}

interface RequestOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** What follows the head; without an end, the body stays open. */
  readonly body?: string
  readonly isOpen?: boolean
  readonly token?: string
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
}

const chatBody = z.looseObject({
  model: z.string(),
  messages: z.array(z.looseObject({ role: z.string(), content: z.unknown() })),
  tools: z.array(z.object({ function: z.looseObject({ name: z.string() }) })).optional(),
})

type Sections = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** `config` is the file; a function gets the address of the model server and the folder. `more`: variables. */
export async function configuredGateway(
  config: Sections | ((upstream: string, folder: string) => Sections) = {},
  more: Readonly<Record<string, string>> = {},
): Promise<ConfiguredGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-configured-'))
  const upstream = await startModelServer()
  const given = typeof config === 'function' ? config(upstream.url.origin, folder) : config
  const file: Sections = {
    ...given,
    gateway: { port: 0, ...given['gateway'] },
    agent: { model: 'openai:test', ...given['agent'] },
    providers: { openai: { baseUrl: `${upstream.url.origin}/v1` }, ...given['providers'] },
  }
  const env = { HOME: folder, CARAPACE_STATE_DIR: join(folder, 'state'), CARAPACE_CONFIG_PATH: join(folder, 'carapace.json5'), ...more }
  const paths = resolvePaths(env)
  await writeFile(paths.configFile, JSON.stringify(file))
  const services = createServices(env)
  const closeRest = async () => {
    await upstream.close()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const running = await services.startGateway({})
    const { hostname: host, port } = new URL(running.url)
    const token = gatewayToken(env, paths)
    const client = await services.connect({})
    let count = 0
    return {
      url: running.url,
      host,
      port: Number(port),
      token,
      folder,
      upstream,
      client,
      async chat(message, sessionKey = 'main') {
        const idempotencyKey = `message-${++count}`
        const { result, approvals } = chatSendResult.parse(await client.call('chat.send', { message, sessionKey, idempotencyKey, wait: true }))
        if (result === undefined) throw new Error(`it waits for the owner: ${approvals?.map(({ tool }) => tool).join()}`)
        return result
      },
      sent: (index) => chatBody.parse(JSON.parse(upstream.requests[index]?.body ?? '')),
      request: (path, more) => request(host, Number(port), path, { token: gatewayToken(env, paths), ...more }),
      logged: () => readFileSync(paths.logFile, 'utf8'),
      stop: () => running.stop(),
      async [Symbol.asyncDispose]() {
        await client.close()
        await running.stop()
        try {
          assertNoSecretIn(paths.stateDir, { token })
        } finally {
          await closeRest()
        }
      },
    }
  } catch (error) {
    await closeRest()
    throw error
  }
}

function request(
  host: string,
  port: number,
  path: string,
  { method = 'GET', headers = {}, body, isOpen = false, token = '' }: RequestOptions,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const all = { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers }
  const sending = httpRequest({ host, port, path, method, agent: false, headers: all })
  sending.on('error', reject)
  sending.on('response', (response) => {
    response.resume()
    response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }))
  })
  sending.on('upgrade', (response, socket) => {
    socket.destroy()
    resolve({ status: response.statusCode ?? 0, headers: response.headers })
  })
  if (isOpen) sending.write(body ?? '')
  else sending.end(body)
  return promise
}
