import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Bench, Setting } from './support/bench.ts'
import { atMostTimes } from './support/figure.ts'
import { median } from './support/stats.ts'

const commands: readonly (readonly string[])[] = [['--version'], ['--help'], ['config', 'get', 'gateway.port']]

export const localCommands: Bench = {
  name: 'commands',
  title: 'Local commands, through ./cara',
  async run({ checkout, quick }) {
    const stateDir = await checkout.folder()
    const env = { ...checkout.env, CARAPACE_STATE_DIR: stateDir, CARAPACE_CONFIG_PATH: join(stateDir, 'carapace.json5') }
    const time = (command: string, args: readonly string[]) => timeOf(command, args, env)
    const bare: number[] = []
    const own = commands.map((): number[] => [])
    for (let round = 0; round <= (quick ? 7 : 21); round++) {
      const reference = await time(checkout.node, ['-e', '0'])
      // The first round only warms the compile cache.
      if (round > 0) bare.push(reference)
      for (const [index, args] of commands.entries()) {
        const ms = await time(checkout.cara, args)
        if (round > 0) own[index]?.push(ms)
      }
    }
    return commands.map((args, index) => ({
      name: `cara ${args.join(' ')}`,
      value: median(own[index] ?? []),
      unit: 'ms',
      reference: { name: 'node -e 0', value: median(bare) },
      bar: atMostTimes(2.5),
    }))
  },
}

async function timeOf(command: string, args: readonly string[], env: Setting['checkout']['env']): Promise<number> {
  const startedAt = performance.now()
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'ignore'] })
  child.stdout.resume()
  const [code]: unknown[] = await once(child, 'exit')
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(code)}`)
  return performance.now() - startedAt
}
