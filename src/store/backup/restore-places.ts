import { existsSync } from 'node:fs'
import { join } from 'node:path'

export const restorePlaces = (stateDir: string) => {
  const folder = join(stateDir, 'restore')
  return { folder, plan: join(folder, 'plan.json'), fresh: join(folder, 'new'), old: join(folder, 'old'), config: join(folder, 'config.json5') }
}

/** Whether a restore was interrupted; cheap, for every start. */
export function isRestoring(stateDir: string): boolean {
  return existsSync(restorePlaces(stateDir).plan)
}
