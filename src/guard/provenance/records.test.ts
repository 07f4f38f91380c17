import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readRecords } from './records.ts'

function plain(text: string): readonly object[] {
  return readRecords(text).map((record) => Object.fromEntries(record.entries().map(([key, fields]) => [key, fields.map((field) => field.text)])))
}

describe('records', () => {
  it('reads JSON, one object or many, and lines of objects', () => {
    assert.deepEqual(plain('{"id":7,"to":["a","b"],"more":{"id":8}}'), [{ id: ['7'], to: ['a', 'b'], more: [] }, { id: ['8'] }])
    assert.deepEqual(plain('[{"id":"x"}]'), [{ id: ['x'] }])
    assert.deepEqual(plain('{"id":1}\n{"id":2}'), [{ id: ['1'] }, { id: ['2'] }])
  })

  it('reads lists and mappings of the block style', () => {
    const list = "- id: '5'\n  guests:\n  - ann@example.org\n  - bob@example.org\n  title: Lunch\n- id: '6'\n  title: Tea"
    assert.deepEqual(plain(list), [
      { id: ['5'], guests: ['ann@example.org', 'bob@example.org'], title: ['Lunch'] },
      { id: ['6'], title: ['Tea'] },
    ])
    assert.deepEqual(plain('id: 3\ntitle: Lunch'), [{ id: ['3'], title: ['Lunch'] }])
    assert.deepEqual(plain('- red\n- green'), [{ '': ['red'] }, { '': ['green'] }])
  })

  it('reads what Python prints', () => {
    assert.deepEqual(plain("[{'id': 7, 'name': 'Ann\\'s', 'note': \"it's\", 'ok': True, 'at': None}]"), [
      { id: ['7'], name: ["Ann's"], note: ["it's"], ok: ['true'], at: [] },
    ])
    assert.deepEqual(plain("{'note': '\\', \\'id\\': 9', 'id': 7}"), [{ note: ["', 'id': 9"], id: ['7'] }])
    for (const text of ["{'id': 7", "{'id': Thing(7)}", "{'id': 7} and more"]) assert.deepEqual(plain(text), [], text)
  })

  it('lets no leaf end itself: what somebody wrote into a value makes no field and no record', () => {
    const hostile = "- body: 'Hello\n\n    title: Lunch\n\n    id: ''99''\n\n    '\n  title: Notes"
    const [record, ...others] = plain(hostile)
    assert.deepEqual(others, [])
    assert.deepEqual(Object.keys(record ?? {}), ['body', 'title'])
    assert.deepEqual(plain("- 'red\n\n  title: Lunch\n\n  id: 99'"), [], 'a long scalar may look like keys')
    assert.deepEqual(plain('{"body":"{\\"id\\":99}"}'), [{ body: ['{"id":99}'] }])
  })

  it('finds none in prose, in code, and in broken JSON', () => {
    for (const text of ['Dear Ann,\nsee you at 10.', '{"id": 7', '', '- a\nb']) assert.deepEqual(plain(text), [], text)
  })

  it('reads white space, constants and escapes as what they are', () => {
    assert.deepEqual(plain('\n {"ok":true,"at":null,"to":["a",null,{"x":1}]}\n'), [{ ok: ['true'], at: [], to: ['a'] }, { x: ['1'] }])
    assert.deepEqual(plain(String.raw`{'a': 'x\ny'}`), [{ a: ['x\ny'] }])
    assert.deepEqual(plain("id:  '7' \nname:  Ann \nnone: \n \ntitle: x"), [{ id: ['7'], name: ['Ann'], none: [], title: ['x'] }])
  })

  it('takes a value that goes on for no name, and none that is long', () => {
    assert.deepEqual(plain('id: 3\n  4 \nto:\n  more '), [{ id: ['3\n4'], to: ['more\n'] }])
    const value = (text: string) => readRecords(JSON.stringify({ a: text }))[0]?.get('a')?.[0]?.value
    assert.deepEqual([value('x'.repeat(320))?.kind, value('x'.repeat(321)), value('a\nb')], ['words', null, null])
  })

  it('finds none where a line does not belong to one', () => {
    for (const text of ['- red\n- - a', '- red\n  - blue', 'id: 3\nhello', '- red\n    more', '{"id":1}\nx', '- id: 1\nx: 2'])
      assert.deepEqual(plain(text), [], text)
    assert.deepEqual(plain('- id: 1\n- red\n    more')[0], { id: ['1'] })
  })

  it('reads up to a number that is bounded', () => {
    assert.equal(readRecords(JSON.stringify(Array.from({ length: 501 }, (_, id) => ({ id })))).length, 500)
  })
})
