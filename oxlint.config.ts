/** The rules that a machine can keep: types that are checked, imports that point down, and one place for each dangerous module. */
import { defineConfig } from 'oxlint'

/** Lowest first. A folder imports itself and folders of lower levels; folders of one level are strangers. No exceptions. */
const levels = [
  ['std'],
  ['contracts'],
  ['providers', 'channels', 'tools', 'plugins', 'store', 'secrets', 'sandbox', 'net', 'config', 'telemetry'],
  ['guard'],
  ['agent'],
  ['gateway'],
  ['server', 'cli'],
  ['app'],
]

/** Modules that only these folders may import. */
const fences = [
  { modules: ['node:http', 'node:https', 'node:http2', 'node:net', 'node:tls', 'node:dns', 'node:dgram', 'undici', 'ws'], only: ['net', 'server'] },
  { modules: ['node:fs', 'node:fs/promises'], only: ['store', 'config', 'secrets', 'plugins', 'sandbox', 'std', 'tools', 'telemetry', 'providers/demo'] },
  { modules: ['node:child_process', 'node:cluster'], only: ['sandbox', 'secrets/os-store'] },
  { modules: ['node:sqlite'], only: ['store'] },
  { modules: ['node:worker_threads'], only: ['providers/demo'] },
]

const folders = levels.flat()
const escape = (text: string) => text.replaceAll('/', '\\/').replaceAll('.', '\\.')

function importRule(place: string, fenced: readonly string[] = fencedFrom(place)): ['error', object] {
  const folder = place.split('/')[0] ?? ''
  const level = levels.findIndex((names) => names.includes(folder))
  const above = folders.filter((other) => other !== folder && levels.findIndex((names) => names.includes(other)) >= level)
  return [
    'error',
    {
      patterns: [
        ...(above.length === 0
          ? []
          : [{ regex: `^(\\.\\.?/)+(${above.join('|')})/`, message: `${folder}/ may import itself and lower levels only (see oxlint.config.ts)` }]),
        ...(fenced.length === 0
          ? []
          : [{ regex: `^(${fenced.map(escape).join('|')})(/|$)`, message: `only its own folder may import this module (see oxlint.config.ts)` }]),
        { regex: '^(\\.\\.?/)+(test|bench|scripts)/', message: 'the program does not import its tests' },
      ],
    },
  ]
}

function fencedFrom(place: string): readonly string[] {
  const folder = place.split('/')[0] ?? ''
  return fences.filter((fence) => !fence.only.includes(folder) && !fence.only.includes(place)).flatMap((fence) => fence.modules)
}

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'oxc', 'promise', 'node', 'import'],
  categories: { correctness: 'error', suspicious: 'error', perf: 'error' },
  options: { typeAware: true },
  ignorePatterns: ['dist', 'node_modules', 'test/types/fail'],
  rules: {
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': [
      'error',
      { allowForKnownSafeCalls: [{ from: 'package', package: 'node:test', name: ['it', 'test', 'describe', 'suite'] }] },
    ],
    'typescript/no-misused-promises': 'error',
    'typescript/no-non-null-assertion': 'error',
    'import/no-default-export': 'error',
    'import/no-cycle': 'error',
    'no-console': 'error',
    'no-eval': 'error',
    'node/no-process-env': 'error',
    'no-await-in-loop': 'off',
    'unicorn/no-array-sort': 'off',
    'no-shadow': 'off',
    // The compiler knows which switches are exhaustive.
    'typescript/consistent-return': 'off',
    'no-underscore-dangle': 'off',
    'unicorn/consistent-function-scoping': 'off',
  },
  overrides: [
    ...folders.map((folder) => ({ files: [`src/${folder}/**`], rules: { 'no-restricted-imports': importRule(folder) } })),
    { files: ['src/providers/demo/**'], rules: { 'no-restricted-imports': importRule('providers/demo') } },
    { files: ['src/secrets/os-store/**'], rules: { 'no-restricted-imports': importRule('secrets/os-store') } },
    { files: ['src/cli/**', 'scripts/**', 'bench/**'], rules: { 'no-console': 'off' } },
    { files: ['oxlint.config.ts'], rules: { 'import/no-default-export': 'off' } },
    // A test beside its source keeps the layers; it may use files and sockets of its own.
    ...folders.map((folder) => ({ files: [`src/${folder}/**/*.test.ts`], rules: { 'no-restricted-imports': importRule(folder, []) } })),
    { files: ['src/config/env.ts', 'src/sandbox/probe.ts', 'scripts/**', 'bench/**', 'test/**'], rules: { 'node/no-process-env': 'off' } },
  ],
})
