import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBaseUrl } from './base-url.ts'

test('https anywhere and plain http to this machine are base URLs', () => {
  for (const text of ['https://api.example.com/v1', 'http://127.0.0.1:11434', 'http://[::1]:8080/v1', 'http://localhost:1234/', 'http://127.8.9.1/']) {
    assert.ok(readBaseUrl(text) instanceof URL, text)
  }
})

test('numeric spellings of loopback are read as what they are', () => {
  assert.ok(readBaseUrl('http://0x7f.1/') instanceof URL)
})

test('everything else is refused with a sentence that says what to write', () => {
  const refused = {
    'http://api.example.com/v1': /https/,
    'http://10.0.0.1/v1': /https/,
    'http://127.0.0.1.example.com/': /https/,
    'http://localhost.example.com/': /https/,
    'http://0.0.0.0:8080/': /https/,
    'http://[::ffff:7f00:1]/': /https/,
    'https://user:hunter2@api.example.com/': /apiKey/,
    'https://api.example.com/?key=hunter2': /leave out/,
    'https://api.example.com/v1?': /leave out/,
    'https://api.example.com/#hunter2': /leave out/,
    'ftp://api.example.com/': /https/,
    'api.example.com': /https/,
    '': /https/,
  }
  for (const [text, says] of Object.entries(refused)) {
    const answer = readBaseUrl(text)
    assert.equal(typeof answer, 'string', text)
    assert.match(String(answer), says)
    assert.doesNotMatch(String(answer), /hunter2/)
  }
})
