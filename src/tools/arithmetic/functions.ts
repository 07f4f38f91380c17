/** The functions and constants of `math_eval`. Angles are radians, `log` is to base 10 unless a second argument gives another, `round` takes decimal places. */
import { add, ArithmeticError, divide, finite, floor, fraction, isFraction, multiply, negate, power, squareRoot, toNumber, type Amount } from './numbers.ts'

interface MathFunction {
  readonly most: number
  readonly apply: (first: Amount, rest: readonly Amount[]) => Amount
}

const half = fraction(1n, 2n)
const isNegative = (amount: Amount) => toNumber(amount) < 0
const smallerOf = (a: Amount, b: Amount) => (isNegative(add(a, negate(b))) ? a : b)
const largerOf = (a: Amount, b: Amount) => (isNegative(add(a, negate(b))) ? b : a)
const one = (apply: (amount: Amount) => Amount): MathFunction => ({ most: 1, apply })
const real = (apply: (value: number) => number) => one((amount) => finite(apply(toNumber(amount))))

export const functions: ReadonlyMap<string, MathFunction> = new Map([
  ['sqrt', one(squareRoot)],
  ['abs', one((amount) => (isNegative(amount) ? negate(amount) : amount))],
  ['floor', one(floor)],
  ['ceil', one((amount) => negate(floor(negate(amount))))],
  ['round', { most: 2, apply: (amount: Amount, [places]: readonly Amount[]) => round(amount, places ?? fraction(0n)) }],
  ['min', { most: 128, apply: (first: Amount, rest: readonly Amount[]) => rest.reduce(smallerOf, first) }],
  ['max', { most: 128, apply: (first: Amount, rest: readonly Amount[]) => rest.reduce(largerOf, first) }],
  ['ln', one((amount) => logarithm(amount, Math.log))],
  ['log', { most: 2, apply: (amount: Amount, [base]: readonly Amount[]) => logarithmTo(amount, base) }],
  ['sin', real(Math.sin)],
  ['cos', real(Math.cos)],
  ['tan', real(Math.tan)],
])

export const constants: ReadonlyMap<string, number> = new Map([
  ['pi', Math.PI],
  ['e', Math.E],
])

/** Halves go away from zero. */
function round(amount: Amount, places: Amount): Amount {
  if (!isFraction(places) || places.under !== 1n || places.over < -30n || places.over > 30n) throw new ArithmeticError('round takes -30 to 30 decimal places')
  const scale = power(fraction(10n), places)
  const away = (value: Amount) => floor(add(multiply(value, scale), half))
  return divide(isNegative(amount) ? negate(away(negate(amount))) : away(amount), scale)
}

function logarithm(amount: Amount, log: (value: number) => number): number {
  if (toNumber(amount) <= 0) throw new ArithmeticError('the logarithm needs a positive number')
  return finite(log(toNumber(amount)))
}

function logarithmTo(amount: Amount, base: Amount | undefined): Amount {
  if (base === undefined) return logarithm(amount, Math.log10)
  const divisor = logarithm(base, Math.log)
  if (divisor === 0) throw new ArithmeticError('the base of a logarithm cannot be 1')
  return finite(logarithm(amount, Math.log) / divisor)
}
