import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { evaluate } from './evaluate.ts'
import { ArithmeticError, format } from './numbers.ts'

const result = (expression: string) => format(evaluate(expression))

test('expressions', () => {
  const cases: Readonly<Record<string, string>> = {
    '2 + 3 * 4': '14',
    '(2 + 3) * 4': '20',
    '2 ^ 3 ^ 2': '512',
    '-2 ^ 2': '-4',
    '2 ^ -2': '0.25',
    '2 * -3': '-6',
    '--3': '3',
    '10 - 4 - 3': '3',
    '100 / 8 / 2': '6.25',
    '0.1 + 0.2': '0.3',
    '1 / 3': '0.333333333333333',
    '1 / 3 * 3': '1',
    '7 % 3': '1',
    '-7 % 3': '2',
    '7.5 % 2': '1.5',
    '15% of 80': '12',
    '50%': '0.5',
    '200 * 10%': '20',
    '10% - 3': '-2.9',
    '10 % (3)': '1',
    '1,234,567.50 + 1': '1234568.5',
    '1_000 * 2': '2000',
    'max(1,234)': '234',
    'max(1, (2,345))': '2345',
    'min(3, 1, 2)': '1',
    '1e3 + 1.5e-3': '1000.0015',
    'sqrt(16)': '4',
    'sqrt(2)': '1.4142135623731',
    'sqrt(1/4)': '0.5',
    'abs(-3.5)': '3.5',
    'round(2.5)': '3',
    'round(-2.5)': '-3',
    'round(2.345, 2)': '2.35',
    'round(1234, -2)': '1200',
    'floor(-1.5)': '-2',
    'ceil(-1.5)': '-1',
    'log(1000)': '3',
    'log(8, 2)': '3',
    'ln(e)': '1',
    'cos(pi)': '-1',
    'tan(0)': '0',
    'SIN(0)': '0',
    '6 × 7 ÷ 2 − 1': '20',
    '2 ** 10': '1024',
    '123456789012345678901234567890 * 10 + 1': '1234567890123456789012345678901',
    '2 ^ 200': '1606938044258990275541962092341162602522202993782792835301376',
    '0': '0',
    '-0.05': '-0.05',
    '1/11*1e500': '9.09090909090909e+498',
    '-1e500 / 99999': '-1.0000100001e+495',
    '1e500 * 2 / 3 / 1e490': '6666666666.66667',
    '(3 ^ 900) / (7 ^ 400) / (3 ^ 200)': '0.0000882393495474573',
    '1 / 3 / 1e500': '3.33333333333333e-501',
    '2 / 3 / 1e310': '6.66666666666667e-311',
    '(1e500 - 1/3) / 7e500 * 1e400': '1.42857142857143e+399',
    'sqrt(1e500)': `1${'0'.repeat(250)}`,
  }
  for (const [expression, expected] of Object.entries(cases)) assert.equal(result(expression), expected, expression)
})

test('what cannot be computed says why', () => {
  const cases: Readonly<Record<string, RegExp>> = {
    '1 / 0': /division by zero/,
    '1 % 0': /division by zero/,
    '0 ^ -1': /division by zero/,
    'sqrt(-1)': /negative/,
    'ln(0)': /positive/,
    'log(8, 1)': /base/,
    '(-8) ^ (1/3)': /no real result/,
    '10 ^ 10 ^ 10': /too large/,
    'sqrt(1e700/3)': /too large/,
    '1e500/99999 + cos(1)': /too large/,
    '9 ^ 99999999999': /too large/,
    '1e9999': /too large or too small/,
    '': /expected a number at 1, found the end/,
    '2 +': /expected a number at 4, found the end/,
    '2 3': /expected an operator at 3, found a number/,
    '(2': /expected "\)"/,
    'sqrt 4': /expected "\("/,
    'sqrt(1, 2)': /takes 1 arguments at most/,
    'process(1)': /unknown name process/,
    'process.exit()': /unexpected "\."/,
    'constructor(1)': /unknown name constructor/,
    '2 $ 3': /unexpected "\$" at 3/,
    'round(1, 99)': /decimal places/,
  }
  for (const [expression, expected] of Object.entries(cases)) assert.throws(() => evaluate(expression), expected, expression)
  assert.throws(() => evaluate(`${'('.repeat(200)}1${')'.repeat(200)}`), /nested deeper/)
  assert.equal(result(`${'('.repeat(100)}1${')'.repeat(100)}`), '1')
})

test('integers are exact', () => {
  fc.assert(
    fc.property(fc.bigInt(), fc.bigInt(), (a, b) => {
      assert.equal(result(`(${a}) * (${b}) - (${b})`), String(a * b - b))
    }),
  )
})

test('any text gives a number or an ArithmeticError, soon', () => {
  const piece = fc.constantFrom('1', '99999', '(', ')', '^', '%', '-', '*', '/', ',', 'max(', 'sqrt', 'of', 'e', '.', '1e500', ' ')
  const number = fc.constantFrom('1', '11', '99999', '1e500', '7', 'e', 'sqrt(2)', 'sqrt(1e500/3)')
  const sum = fc.array(fc.tuple(number, fc.constantFrom('*', '/', '-', '^', '%')), { maxLength: 8 })
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')),
        fc.tuple(sum, number).map(([pairs, last]) => [...pairs.flat(), last].join(' ')),
      ),
      (text) => {
        try {
          assert.match(result(text), /^-?\d+(\.\d+)?(e[+-]\d+)?$/)
        } catch (error) {
          assert.ok(error instanceof ArithmeticError, String(error))
        }
      },
    ),
    { numRuns: 1000 },
  )
})
