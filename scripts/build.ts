/**
 * Bundles the program into `dist/`: one entry, lazy chunks, the demo model's worker, the assets. Why a bundle: each of our files costs about 0.4 ms to load, and
 * unbundled zod 34 ms; a local command has about 40. Everything is bundled, dependencies too: measured to start faster than from `node_modules`, each of them.
 *
 * Two builds at once are harmless: every file is renamed into place, chunks carry their hash, the stamp comes last and bears the time at which the build began.
 * `--release` leaves nothing but what the package ships.
 */
import { build, type OutputFile } from 'esbuild'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'

const root = dirname(import.meta.dirname)
const source = join(root, 'src')
const target = join(root, 'dist')
const workers: Readonly<Record<string, string>> = {
  'demo-worker': join(source, 'providers', 'demo', 'worker.ts'),
  'sandbox-probe': join(source, 'sandbox', 'probe.ts'),
  'sandbox-launcher': join(source, 'sandbox', 'landlock-launcher.ts'),
  'credential-store-child': join(source, 'secrets', 'os-store', 'child.ts'),
}
/** Native and optional: stays where npm put it, and whoever imports it can do without. */
const external = ['@napi-rs/keyring']
/** Chunks of an earlier build stay for a program that still runs from them. */
const KEEP_OLD_CHUNKS_MS = 7 * 24 * 60 * 60_000

async function bundle(): Promise<readonly OutputFile[]> {
  const entries = { main: join(source, 'app', 'main.ts'), ...Object.fromEntries(Object.entries(workers).filter(([, file]) => existsSync(file))) }
  const result = await build({
    absWorkingDir: root,
    entryPoints: entries,
    external,
    outdir: target,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    chunkNames: '[name]-[hash]',
    minifySyntax: true,
    legalComments: 'none',
    write: false,
    logLevel: 'error',
  })
  return result.outputFiles
}

/** CommonJS packages ask for built-in modules by `require`; esbuild's word for it needs one. Making it costs time, so other files go without. */
function withRequire({ text, contents }: OutputFile): string | Uint8Array {
  if (!text.includes('typeof require')) return contents
  return `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);\n${text}`
}

async function place(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`)
  await writeFile(temporary, content)
  await chmod(temporary, mode)
  await rename(temporary, path)
}

/** Assets keep their bytes and are replaced only where they differ: a running program may have them open. */
async function placeAssets(): Promise<void> {
  const assets = join(root, 'assets')
  if (!existsSync(assets)) return
  for (const entry of await readdir(assets, { recursive: true, withFileTypes: true })) {
    const from = join(entry.parentPath, entry.name)
    const to = join(target, relative(root, from))
    if (entry.isDirectory()) await mkdir(to, { recursive: true })
    else if (!(await isSame(from, to))) {
      await mkdir(dirname(to), { recursive: true })
      const temporary = `${to}.${process.pid}.tmp`
      await cp(from, temporary)
      await rename(temporary, to)
    }
  }
}

async function isSame(a: string, b: string): Promise<boolean> {
  return existsSync(b) && (await readFile(a)).equals(await readFile(b))
}

async function prune(current: ReadonlySet<string>, keepMs: number): Promise<void> {
  for (const name of await readdir(target)) {
    if (current.has(name) || !/\.(js|tmp)$/.test(name)) continue
    const path = join(target, name)
    const stats = await stat(path).catch(() => null)
    if (stats !== null && Date.now() - stats.mtimeMs >= keepMs) await rm(path, { force: true })
  }
}

async function run(isRelease: boolean): Promise<void> {
  const startedAt = new Date()
  const files = await bundle()
  await mkdir(target, { recursive: true })
  // Entries last: they name the chunks.
  const ordered = files.toSorted((a, b) => Number(basename(a.path) === 'main.js') - Number(basename(b.path) === 'main.js'))
  await placeAssets()
  for (const file of ordered) await place(file.path, withRequire(file))
  await place(join(target, 'cara.js'), await readFile(join(root, 'scripts', 'package-entry.mjs')), 0o755)
  await prune(new Set(['cara.js', ...files.map((file) => basename(file.path))]), isRelease ? 0 : KEEP_OLD_CHUNKS_MS)
  const stamp = join(target, '.stamp')
  if (isRelease) await rm(stamp, { force: true })
  else {
    await place(stamp, '')
    await utimes(stamp, startedAt, startedAt)
  }
  const bytes = files.reduce((sum, file) => sum + file.contents.length, 0)
  console.error(`built dist/ in ${Date.now() - startedAt.getTime()} ms: ${files.length} files, ${Math.round(bytes / 1024)} kB`)
}

await run(process.argv.includes('--release'))
