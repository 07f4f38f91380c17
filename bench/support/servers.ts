/** The four programs of a bench: our gateway, the fake model server behind it, and the references in its place. */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Checkout } from './checkout.ts'
import { freePort, launch, type Program } from './process.ts'

const programs = join(import.meta.dirname, '..', 'programs')

export interface Gateway extends Program {
  readonly stateDir: string
  readonly token: string
}

export interface GatewayOptions {
  readonly upstream: Program
  /** An earlier gateway's folder, to go on with. */
  readonly stateDir?: string
  readonly config?: object
}

export async function startGateway({ cara, env, folder }: Checkout, { upstream, stateDir: given, config }: GatewayOptions): Promise<Gateway> {
  const stateDir = given ?? (await folder())
  const configFile = join(stateDir, 'carapace.json5')
  if (config !== undefined) await writeFile(configFile, JSON.stringify(config), { mode: 0o600 })
  const token = `cara_${randomBytes(32).toString('base64url')}`
  const port = await freePort()
  const program = await launch({
    command: cara,
    args: ['start', '--port', String(port)],
    port,
    env: {
      ...env,
      CARAPACE_STATE_DIR: stateDir,
      CARAPACE_CONFIG_PATH: configFile,
      CARAPACE_GATEWAY_TOKEN: token,
      CARAPACE_MODEL: 'openai:short',
      OPENAI_API_KEY: `sk-bench-${randomBytes(16).toString('hex')}`,
      OPENAI_BASE_URL: `http://127.0.0.1:${upstream.port}/v1`,
    },
  })
  return { ...program, stateDir, token }
}

export function startUpstream(checkout: Checkout): Promise<Program> {
  return startProgram(checkout, 'fake-upstream.mjs')
}

export function startProxy(checkout: Checkout, upstream: Program): Promise<Program> {
  return startProgram(checkout, 'bare-proxy.mjs', String(upstream.port))
}

export function startBareServer(checkout: Checkout): Promise<Program> {
  return startProgram(checkout, 'bare-server.mjs')
}

async function startProgram({ node, env }: Checkout, file: string, ...args: readonly string[]): Promise<Program> {
  const port = await freePort()
  return launch({ command: node, args: [join(programs, file), String(port), ...args], env, port })
}
