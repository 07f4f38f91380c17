import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { replaceSpans, type Span } from './spans.ts'

const span = (from: number, until: number, text: string): Span => ({ from, until, text })

describe('spans of a text', () => {
  it('are replaced in the order in which they stand, whatever the order in which they come', () => {
    assert.equal(replaceSpans('abcdef', []), 'abcdef')
    assert.equal(replaceSpans('abcdef', [span(4, 5, 'Y'), span(1, 2, 'X')]), 'aXcdYf')
    assert.equal(replaceSpans('abcdef', [span(0, 6, '')]), '')
    assert.equal(replaceSpans('abcdef', [span(0, 2, 'X'), span(2, 4, 'Y')]), 'XYef', 'one right after the other')
  })

  it('may be empty, where one only puts something in', () => {
    assert.equal(replaceSpans('abcdef', [span(3, 3, 'X')]), 'abcXdef')
    assert.equal(replaceSpans('abcdef', [span(0, 3, 'X'), span(3, 3, 'Y')]), 'XYdef', 'where another ends')
    assert.equal(replaceSpans('abcdef', [span(0, 3, 'X'), span(2, 2, 'Y')]), 'Xdef', 'within another')
    assert.equal(replaceSpans('abcdef', [span(0, 0, 'X')]), 'Xabcdef')
    assert.equal(replaceSpans('abcdef', [span(6, 6, 'X')]), 'abcdefX')
  })

  it('may overlap: nothing of either is shown, and the first says what stands there', () => {
    assert.equal(replaceSpans('abcdef', [span(0, 3, 'X'), span(2, 5, 'Y')]), 'Xf')
    assert.equal(replaceSpans('abcdef', [span(1, 5, 'X'), span(2, 4, 'Y')]), 'aXf')
    assert.equal(replaceSpans('abcdef', [span(1, 4, 'X'), span(2, 4, 'Y')]), 'aXef')
  })

  it('leave what is before the offset alone', () => {
    assert.equal(replaceSpans('abcdef', [span(0, 1, 'X')], 2), 'cdef')
    assert.equal(replaceSpans('abcdef', [span(0, 2, 'X')], 2), 'cdef', 'it ends there')
    assert.equal(replaceSpans('abcdef', [span(2, 2, 'X')], 2), 'Xcdef')
    assert.equal(replaceSpans('abcdef', [span(0, 3, 'X')], 2), 'Xdef', 'it began before')
    assert.equal(replaceSpans('abcdef', [span(0, 3, 'X'), span(1, 4, 'Y')], 2), 'Xef', 'both began before')
  })
})
