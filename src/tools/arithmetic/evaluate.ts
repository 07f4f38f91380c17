/**
 * Evaluates an arithmetic expression by precedence climbing; nothing is ever run as code. `%` before an operand is the remainder, anywhere else it is percent;
 * `of` multiplies (`15% of 80`); `^` binds to the right and before the minus sign.
 */
import { constants, functions } from './functions.ts'
import { add, ArithmeticError, divide, fraction, modulo, multiply, negate, power, type Amount } from './numbers.ts'
import { tokenize, type Token } from './tokens.ts'

const MAX_DEPTH = 128
const NEGATION = 3

interface Operator {
  readonly strength: number
  readonly toTheRight?: boolean
  readonly apply: (a: Amount, b: Amount) => Amount
}

const operators: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['+', { strength: 1, apply: add }],
  ['-', { strength: 1, apply: (a, b) => add(a, negate(b)) }],
  ['*', { strength: 2, apply: multiply }],
  ['of', { strength: 2, apply: multiply }],
  ['/', { strength: 2, apply: divide }],
  ['%', { strength: 2, apply: modulo }],
  ['^', { strength: 4, toTheRight: true, apply: power }],
])

/** Throws `ArithmeticError` with a sentence for the writer. */
export function evaluate(expression: string): Amount {
  return new Evaluation(tokenize(expression)).run()
}

class Evaluation {
  readonly #tokens: readonly Token[]
  #at = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  run(): Amount {
    const result = this.#climb(0)
    if (this.#next().kind !== 'end') throw this.#unexpected('an operator')
    return result
  }

  #climb(least: number): Amount {
    if (++this.#depth > MAX_DEPTH) throw new ArithmeticError(`nested deeper than ${MAX_DEPTH}`)
    let left = this.#operand()
    for (;;) {
      const operator = this.#operator()
      if (operator === undefined || operator.strength < least) break
      this.#at++
      left = operator.apply(left, this.#climb(operator.toTheRight === true ? operator.strength : operator.strength + 1))
    }
    this.#depth--
    return left
  }

  #operand(): Amount {
    const token = this.#next()
    this.#at++
    let value: Amount
    if (token.kind === 'number') value = token.value
    else if (token.kind === 'name') value = this.#named(token.text)
    else if (token.text === '-') return negate(this.#climb(NEGATION))
    else if (token.text === '+') return this.#climb(NEGATION)
    else if (token.text === '(') value = this.#inParentheses()
    else {
      this.#at--
      throw this.#unexpected('a number')
    }
    for (; this.#isPercent(); this.#at++) value = divide(value, fraction(100n))
    return value
  }

  #named(name: string): Amount {
    const constant = constants.get(name)
    if (constant !== undefined) return constant
    const known = functions.get(name)
    if (known === undefined) throw new ArithmeticError(`unknown name ${name}; known are ${[...functions.keys(), ...constants.keys()].join(', ')}`)
    this.#expect('(')
    const given = [this.#climb(0)]
    while (this.#isSign(',')) {
      this.#at++
      given.push(this.#climb(0))
    }
    this.#expect(')')
    const [first, ...rest] = given
    if (first === undefined || given.length > known.most) throw new ArithmeticError(`${name} takes ${known.most} arguments at most`)
    return known.apply(first, rest)
  }

  #inParentheses(): Amount {
    const value = this.#climb(0)
    this.#expect(')')
    return value
  }

  #operator(): Operator | undefined {
    const token = this.#next()
    return token.kind === 'sign' || token.kind === 'name' ? operators.get(token.text) : undefined
  }

  /** Percent is what is not followed by the operand of a remainder. */
  #isPercent(): boolean {
    if (!this.#isSign('%')) return false
    const after = this.#tokens[this.#at + 1]
    return !(after?.kind === 'number' || (after?.kind === 'name' && after.text !== 'of') || (after?.kind === 'sign' && after.text === '('))
  }

  #isSign(text: string): boolean {
    const token = this.#next()
    return token.kind === 'sign' && token.text === text
  }

  #expect(text: string): void {
    if (!this.#isSign(text)) throw this.#unexpected(`"${text}"`)
    this.#at++
  }

  #next(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '', at: 0 }
  }

  #unexpected(wanted: string): ArithmeticError {
    const token = this.#next()
    const found = token.kind === 'end' ? 'the end' : token.kind === 'number' ? 'a number' : `"${token.text}"`
    return new ArithmeticError(`expected ${wanted} at ${token.at + 1}, found ${found}`)
  }
}
