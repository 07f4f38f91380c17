/** `restore-until.ts FOLDER BACKUP STEP`: restores, and dies at the n-th step. */
import { join } from 'node:path'
import { restore } from '../../src/app/backup.ts'
import { resolvePaths } from '../../src/config/paths.ts'

const [folder = '', file = '', step = ''] = process.argv.slice(2)
const env = { HOME: folder, CARAPACE_STATE_DIR: join(folder, 'state'), CARAPACE_CONFIG_PATH: join(folder, 'carapace.json5'), CARAPACE_KEY_STORE: 'file' }
let steps = 0
await restore(env, resolvePaths(env), { file, force: true, dryRun: false, password: () => Promise.reject(new Error('it is not sealed')) }, () => {
  if (++steps === Number(step)) process.kill(process.pid, 'SIGKILL')
})
