import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { createSecretRegistry } from '../../telemetry/secret-registry.ts'
import { findCredentials } from './credentials.ts'
import { replaceSpans } from './spans.ts'

/** Put together here, so that no scanner takes this file for a leak. */
const joined = (beginning: string, rest: string) => beginning + rest
const CREDENTIALS = {
  OpenAI: joined('sk-proj-', 'aB3dE5fG7hJ9kL1mN3pQ5rS7tU9'),
  Anthropic: joined('sk-ant-api03-', 'aB3-dE5fG7hJ9_kL1mN3pQ5rS7tU9'),
  AWS: joined('AKIA', 'IOSFODNN7EXAMPLE'),
  GitHub: joined('ghp_', '0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R'),
  'GitHub fine-grained': joined('github_pat_', '11ABCDEFG0aB3dE5fG7hJ9kL1'),
  GitLab: joined('glpat-', 'aB3dE5fG7hJ9kL1mN3pQ'),
  Slack: joined('xoxb-', '1234567890-aB3dE5fG7hJ9kL1m'),
  Google: joined('AIza', 'SyA1bC2dE3fG4hI5jK6lM7nO8pQ9rS0tU1v'),
  npm: joined('npm_', '0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R'),
  Stripe: joined('sk_live_', '4eC39HqLyjWDarjtT1zdp7dc'),
  Telegram: joined('123456789:', 'AAF1a2B3c4D5e6F7g8H9i0J1k2L3m4N5o6P'),
  JWT: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U',
  PEM: joined('-----BEGIN EC', ' PRIVATE KEY-----\nMHcCAQEEIAbc+def/0123456789\nabc=\n-----END EC PRIVATE KEY-----'),
} as const

const clean = (text: string) => replaceSpans(text, findCredentials(text))

describe('credentials that nobody told us of', () => {
  for (const [vendor, secret] of Object.entries(CREDENTIALS)) {
    it(`are found by how they look: ${vendor} (L2)`, () => {
      for (const [before, after] of [
        ['', ''],
        ['Use ', ' here.'],
        ['key="', '"'],
        ['(', ')'],
        ['x\n', '\ny'],
      ] as const)
        assert.equal(clean(before + secret + after), `${before}[secret]${after}`)
    })
  }

  it('are found by what they are called', () => {
    const value = 'aB3dE5fG7hJ9kL1mN3pQ'
    for (const before of ['Authorization: Bearer ', 'password: ', 'api_key = "', "secret='", 'The token is '])
      assert.equal(clean(`${before}${value} x`), `${before}[secret] x`)
  })

  it('are not seen where there are none', () => {
    for (const text of [
      'sk-learn-preprocessing-pipeline-2 is installed',
      'const token = createToken(config.gateway.tokenFile1)',
      'password: correct-horse-battery-staple',
      'the secret is that there is none',
      `commit ${createHash('sha1').update('x').digest('hex')}`,
      '550e8400-e29b-41d4-a716-446655440000',
      '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
      'Bearer of good news, and nothing more to it',
    ])
      assert.equal(clean(text), text)
  })

  it('are seldom seen in what is none: the rate over prose, code, hashes, images and numbers', (test) => {
    const lines = (pattern: string | string[]) =>
      globSync(pattern).flatMap((file) =>
        /credentials|secret|redact|scrub/.test(file)
          ? []
          : readFileSync(file, 'utf8')
              .split('\n')
              .filter((line) => line.trim() !== ''),
      )
    const hash = (index: number) => createHash('sha256').update(String(index)).digest()
    const many = (make: (index: number) => string) => Array.from({ length: 2000 }, (_, index) => make(index))
    const corpus: Readonly<Record<string, readonly string[]>> = {
      prose: lines(['docs/**/*.md', 'README.md', 'CONTRIBUTING.md', 'SECURITY.md']),
      code: lines(['src/**/*.ts', 'scripts/*.ts', 'bench/**/*.ts']).filter((line) => !line.includes('canary')),
      hashes: many((index) => hash(index).toString('hex')),
      'base64 hashes': many((index) => `sha512-${hash(index).toString('base64')}`),
      uuids: many((index) =>
        hash(index)
          .toString('hex')
          .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5'),
      ),
      images: many((index) => `data:image/png;base64,${Buffer.concat([hash(index), hash(index + 1), hash(index + 2)]).toString('base64')}`),
      numbers: many((index) => `${index * 7919} ${(index / 7).toFixed(6)} 2026-11-${(index % 28) + 1} +49 30 ${index}`),
    }
    const secrets = createSecretRegistry()
    for (let index = 0; index < 20; index++) secrets.add(hash(index + 9999).toString('base64url'))
    for (const [name, texts] of Object.entries(corpus)) {
      const hits = texts.filter((text) => clean(text) !== text || secrets.findSplit(text).length > 0)
      const rate = hits.length / texts.length
      test.diagnostic(`${name}: ${hits.length} of ${texts.length}`)
      assert.ok(texts.length > 500, name)
      assert.ok(rate <= (name === 'code' ? 0.001 : 0), `${name}: ${hits.slice(0, 5).join('\n')}`)
    }
  })
})
