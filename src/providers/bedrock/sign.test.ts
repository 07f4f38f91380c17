import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { Secret } from '../../contracts/secret.ts'
import { sign } from './sign.ts'

const NOW = Date.UTC(2026, 10, 22, 11, 30, 5)
const credentials = { accessKeyId: new Secret('AKIDEXAMPLE'), secretAccessKey: new Secret('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY') }

/** The signature, written down from the specification; the path is encoded once more than in the URL. */
function expected(method: string, path: string, query: string, headers: Readonly<Record<string, string>>, body: string): string {
  const hash = (text: string) => createHash('sha256').update(text).digest('hex')
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const names = Object.keys(headers).sort()
  const canonical = [method, path, query, ...names.map((name) => `${name}:${headers[name]}`), '', names.join(';'), hash(body)].join('\n')
  const scope = '20261122/eu-central-1/bedrock/aws4_request'
  const key = ['20261122', 'eu-central-1', 'bedrock', 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${credentials.secretAccessKey.reveal()}`)
  const signature = hmac(key, ['AWS4-HMAC-SHA256', '20261122T113005Z', scope, hash(canonical)].join('\n')).toString('hex')
  return `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`
}

test('path, body, host and session are signed', async () => {
  const url = new URL('https://bedrock-runtime.eu-central-1.amazonaws.com/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream')
  const request = { method: 'POST', url, headers: { 'content-type': 'application/json' }, body: '{"messages":[]}' } as const
  const headers = await sign(request, { ...credentials, sessionToken: new Secret('session+token/1') }, 'eu-central-1', NOW)
  assert.deepEqual(headers, {
    'x-amz-date': '20261122T113005Z',
    'x-amz-security-token': 'session+token/1',
    authorization: expected(
      'POST',
      '/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%253A0/converse-stream',
      '',
      { host: url.host, 'x-amz-date': '20261122T113005Z', 'x-amz-security-token': 'session+token/1' },
      request.body,
    ),
  })
})

test('a query is signed in order', async () => {
  const url = new URL('https://bedrock.eu-central-1.amazonaws.com/foundation-models?byOutputModality=TEXT&a=1')
  const headers = await sign({ method: 'GET', url, headers: {}, body: '' }, credentials, 'eu-central-1', NOW)
  const signed = { host: url.host, 'x-amz-date': '20261122T113005Z' }
  assert.equal(headers['authorization'], expected('GET', '/foundation-models', 'a=1&byOutputModality=TEXT', signed, ''))
})
