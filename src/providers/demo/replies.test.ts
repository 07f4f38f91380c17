import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BEYOND, INTRODUCTION, reply, unavailable } from './replies.ts'

test('small talk passes where both sides are small talk', () => {
  assert.equal(reply('hello', 'Hello! How can I help?'), 'Hello! How can I help?')
  assert.equal(reply('thanks a lot', 'You are welcome!'), 'You are welcome!')
  assert.equal(reply('bye', 'Goodbye!'), 'Goodbye!')
  assert.equal(reply('Hello Bob, how are you?', 'I am fine, thank you. I am only a tiny demo model.'), 'I am fine, thank you. I am only a tiny demo model.')
})

test('nothing else does', () => {
  assert.equal(reply('What is the capital of Brazil?', 'The capital of India is Delhi.'), BEYOND)
  assert.equal(reply('delete everything', 'Goodbye!'), BEYOND)
  assert.equal(reply('hello', 'Hello! The capital of India is Delhi.'), BEYOND)
  assert.equal(reply('hello', `Hello!${' '.repeat(300)}`), BEYOND)
  assert.equal(reply(`hello ${'x'.repeat(300)}`, 'Hello!'), BEYOND)
})

test('every honest text says what speaks and how to connect a real model', () => {
  for (const text of [BEYOND, INTRODUCTION, unavailable('math_eval'), reply('who are you?', 'I am your father.')]) {
    assert.match(text, /built-in demo model/)
    assert.match(text, /`cara setup`/)
  }
})
