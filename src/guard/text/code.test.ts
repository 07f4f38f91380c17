import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { codeIn, codeUnfinished, type CodeState, NO_CODE } from './code.ts'

const UNPAIRED: CodeState = { fence: null, isUnpaired: true }
const FENCED: CodeState = { fence: { marker: '`', length: 3 }, isUnpaired: false }
const LOST: CodeState = { fence: 'lost', isUnpaired: false }
const filled = (beginning: string, length: number, end = '') => beginning.padEnd(length - end.length, 'x') + end

describe('stretches of code', () => {
  const found: readonly (readonly [text: string, offset: number, before: CodeState, ranges: readonly (readonly [number, number])[], after: CodeState])[] = [
    ['abc', 0, NO_CODE, [], NO_CODE],
    ['abc', 0, UNPAIRED, [], UNPAIRED],
    ['a`\n', 0, NO_CODE, [], UNPAIRED],
    ['`a`\n\n', 0, UNPAIRED, [], NO_CODE],
    ['`a`', 0, NO_CODE, [[0, 3]], NO_CODE],
    ['`a`', 1, NO_CODE, [], UNPAIRED],
    ['`a` `b', 0, NO_CODE, [[0, 3]], UNPAIRED],
    ['a ``b`c`` d', 0, NO_CODE, [[2, 9]], NO_CODE],
    ['a``', 0, NO_CODE, [], UNPAIRED],
    ['\\\\`a`', 0, NO_CODE, [[2, 5]], NO_CODE],
    ['`a\n`b`', 0, NO_CODE, [], UNPAIRED],
    ['`a\n  \n`b`', 0, NO_CODE, [[6, 9]], NO_CODE],
    [filled('`', 400, '`'), 0, NO_CODE, [[0, 400]], NO_CODE],
    [filled('`', 401, '`'), 0, NO_CODE, [], UNPAIRED],
    ['x ```y', 0, NO_CODE, [], UNPAIRED],
    ['```\nab', 5, NO_CODE, [], NO_CODE],
    [
      'ab\ncd',
      1,
      FENCED,
      [
        [1, 2],
        [3, 5],
      ],
      FENCED,
    ],
    [
      '```\nx\n```\n`b`',
      0,
      NO_CODE,
      [
        [4, 5],
        [6, 9],
        [10, 13],
      ],
      NO_CODE,
    ],
    [
      '~~~~\nx\n~~~\ny',
      0,
      NO_CODE,
      [
        [5, 6],
        [7, 10],
        [11, 12],
      ],
      { fence: { marker: '~', length: 4 }, isUnpaired: false },
    ],
    [
      '```js\nx\n```\ny',
      0,
      NO_CODE,
      [
        [6, 7],
        [8, 11],
      ],
      NO_CODE,
    ],
    [
      'x\n```js\ny\n```',
      0,
      NO_CODE,
      [
        [8, 9],
        [10, 13],
      ],
      NO_CODE,
    ],
    [
      '```\n``` x\ny',
      0,
      NO_CODE,
      [
        [4, 9],
        [10, 11],
      ],
      FENCED,
    ],
    [
      '```\n~~~\ny',
      0,
      NO_CODE,
      [
        [4, 7],
        [8, 9],
      ],
      FENCED,
    ],
    ['```\n````\ny', 0, NO_CODE, [[4, 8]], NO_CODE],
    ['~~~\n~~~', 0, NO_CODE, [[4, 7]], NO_CODE],
    ['`a\n```\nb', 0, NO_CODE, [[7, 8]], FENCED],
    ['- ```x```', 2, NO_CODE, [[2, 9]], NO_CODE],
    ['- ```\n`b`', 0, NO_CODE, [], LOST],
    ['`a`\n- ```\n```\n`b`', 0, NO_CODE, [[0, 3]], LOST],
    ['`a', 0, LOST, [], LOST],
  ]

  it('begin and end where a renderer sees them, and where that is not certain there are none', () => {
    for (const [text, offset, before, ranges, after] of found) assert.deepEqual(codeIn(text, offset, before), { ranges, state: after }, JSON.stringify(text))
  })

  const open: readonly (readonly [text: string, offset: number, before: CodeState, held: number])[] = [
    ['a', 0, NO_CODE, 0],
    ['a\\', 0, NO_CODE, 1],
    ['\\', 1, NO_CODE, 0],
    ['a `b', 0, NO_CODE, 2],
    ['a `b` c', 0, NO_CODE, 0],
    ['a `b`', 0, NO_CODE, 3],
    ['a `b` `c`', 0, NO_CODE, 3],
    ['a `b` `c', 0, NO_CODE, 2],
    ['a ``b` c', 0, NO_CODE, 6],
    ['a \\`b', 0, NO_CODE, 0],
    ['a \\`b`', 0, NO_CODE, 1],
    ['a \\`b`c', 0, NO_CODE, 2],
    ['`a` \\`b', 0, NO_CODE, 0],
    ['`a` \\`\\`b`c', 0, NO_CODE, 2],
    ['x\n`b', 0, NO_CODE, 2],
    ['`x\ny`', 0, NO_CODE, 1],
    ['`x\n\ny`z', 0, NO_CODE, 2],
    ['y`', 0, UNPAIRED, 1],
    ['yz', 0, UNPAIRED, 0],
    ['a `b', 0, UNPAIRED, 0],
    ['a \\`', 0, NO_CODE, 1],
    ['a ``x \\`y', 0, NO_CODE, 7],
    [`${'x'.repeat(250)}\`b`, 0, NO_CODE, 2],
    ['y``', 0, UNPAIRED, 2],
    ['```', 0, NO_CODE, 3],
    ['```js', 0, NO_CODE, 5],
    ['~', 0, NO_CODE, 1],
    ['~~', 0, NO_CODE, 2],
    ['~~a', 0, NO_CODE, 0],
    ['~a', 0, NO_CODE, 0],
    ['~~~a', 0, NO_CODE, 4],
    ['- ```', 0, NO_CODE, 5],
    ['1. ~', 0, NO_CODE, 4],
    ['  `', 0, NO_CODE, 3],
    ['  ', 0, NO_CODE, 2],
    ['a\n> ', 0, NO_CODE, 2],
    ['a\n1. ``', 0, NO_CODE, 5],
    ['a\n-', 3, NO_CODE, 0],
    ['a\nb ', 0, NO_CODE, 0],
    ['a\n', 0, NO_CODE, 0],
    ['  ', 0, LOST, 0],
    ['a\n```', 0, NO_CODE, 3],
    ['a\n```', 3, NO_CODE, 2],
    ['a\n~~~', 4, NO_CODE, 0],
    ['code', 0, FENCED, 0],
    ['``', 0, FENCED, 2],
    ['   ``` ', 0, FENCED, 7],
    ['    ```', 0, FENCED, 0],
    ['``` x', 0, FENCED, 0],
    ['a\n``', 0, FENCED, 2],
    ['a\n```\n`b', 0, FENCED, 2],
    ['a\n```\nb', 0, FENCED, 0],
    ['a `b', 0, LOST, 0],
    ['```', 0, LOST, 0],
    ['\n```', 0, LOST, 0],
    [filled('`', 400), 0, NO_CODE, 400],
    [filled('`', 401), 0, NO_CODE, 0],
    [filled('~~~', 400), 0, NO_CODE, 400],
    [filled('~~~', 401), 0, NO_CODE, 0],
    ['a `b', 3, NO_CODE, 0],
    ['`a` `b', 2, NO_CODE, 0],
    ['```\na\n``', 8, NO_CODE, 0],
    ['a\n`b` c', 3, NO_CODE, 3],
  ]

  it('are waited for while a text may begin or end one, and no longer', () => {
    for (const [text, offset, before, held] of open) assert.equal(codeUnfinished(text, offset, before), held, JSON.stringify(text))
  })
})
