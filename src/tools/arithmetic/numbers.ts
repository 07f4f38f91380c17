/** Numbers that stay exact as long as they can: fractions of big integers, and floating point only after a root, a logarithm or an angle. */

export interface Fraction {
  readonly over: bigint
  /** Positive, and without a common divisor with `over`. */
  readonly under: bigint
}
export type Amount = Fraction | number

/** Said to whoever wrote the expression. */
export class ArithmeticError extends Error {
  override readonly name = 'ArithmeticError'
}

/** Larger fractions go on as floating point, so that no expression costs more than a moment. */
const MAX_BITS = 4096n
const MAX_VALUE = 1n << MAX_BITS

export function fraction(over: bigint, under = 1n): Amount {
  if (under === 0n) throw new ArithmeticError('division by zero')
  const divisor = greatestDivisor(over < 0n ? -over : over, under < 0n ? -under : under)
  const sign = under < 0n ? -1n : 1n
  const reduced = { over: (sign * over) / divisor, under: (sign * under) / divisor }
  return reduced.over < MAX_VALUE && reduced.over > -MAX_VALUE && reduced.under < MAX_VALUE ? reduced : finite(toNumber(reduced))
}

export function isFraction(amount: Amount): amount is Fraction {
  return typeof amount !== 'number'
}

/** Refuses what is no number any more. */
export function finite(value: number): number {
  if (Number.isNaN(value)) throw new ArithmeticError('this has no real result')
  if (!Number.isFinite(value)) throw new ArithmeticError('the result is too large')
  return value
}

/** Infinite where floating point ends: what computes with it asks `finite`. */
export function toNumber(amount: Amount): number {
  if (!isFraction(amount)) return amount
  const { over, under } = amount
  const [above, below] = [bitLength(over), bitLength(under)]
  if (above <= 1000 && below <= 1000) return Number(over) / Number(under)
  // A quotient of 64 bits keeps more than floating point does, however far apart the two are.
  const shift = below - above + 64
  const quotient = shift < 0 ? over / (under << BigInt(-shift)) : (over << BigInt(shift)) / under
  const half = Math.trunc(-shift / 2)
  return Number(quotient) * 2 ** half * 2 ** (-shift - half)
}

export function add(a: Amount, b: Amount): Amount {
  return isFraction(a) && isFraction(b) ? fraction(a.over * b.under + b.over * a.under, a.under * b.under) : finite(toNumber(a) + toNumber(b))
}

export function negate(amount: Amount): Amount {
  return isFraction(amount) ? { over: -amount.over, under: amount.under } : -amount
}

export function multiply(a: Amount, b: Amount): Amount {
  return isFraction(a) && isFraction(b) ? fraction(a.over * b.over, a.under * b.under) : finite(toNumber(a) * toNumber(b))
}

export function divide(a: Amount, b: Amount): Amount {
  if (isFraction(a) && isFraction(b)) return fraction(a.over * b.under, a.under * b.over)
  if (toNumber(b) === 0) throw new ArithmeticError('division by zero')
  return finite(toNumber(a) / toNumber(b))
}

/** The remainder with the sign of the divisor, as in mathematics: `-7 % 3` is 2. */
export function modulo(a: Amount, b: Amount): Amount {
  return add(a, negate(multiply(floor(divide(a, b)), b)))
}

export function power(base: Amount, exponent: Amount): Amount {
  if (isFraction(base) && isFraction(exponent) && exponent.under === 1n) {
    const times = exponent.over < 0n ? -exponent.over : exponent.over
    const bits = BigInt(Math.max(bitLength(base.over), bitLength(base.under)))
    if (bits * times <= MAX_BITS) {
      return exponent.over < 0n ? fraction(base.under ** times, base.over ** times) : fraction(base.over ** times, base.under ** times)
    }
  }
  if (toNumber(base) === 0 && toNumber(exponent) < 0) throw new ArithmeticError('division by zero')
  return finite(toNumber(base) ** toNumber(exponent))
}

export function floor(amount: Amount): Amount {
  if (!isFraction(amount)) return Math.floor(amount)
  const whole = amount.over / amount.under
  return { over: amount.over < 0n && amount.over % amount.under !== 0n ? whole - 1n : whole, under: 1n }
}

export function squareRoot(amount: Amount): Amount {
  if (toNumber(amount) < 0) throw new ArithmeticError('the square root of a negative number is not real')
  if (isFraction(amount)) {
    const over = exactRoot(amount.over)
    const under = exactRoot(amount.under)
    if (over !== null && under !== null) return { over, under }
  }
  return finite(Math.sqrt(toNumber(amount)))
}

/** Exact where the decimals end within 30 places, else 15 significant digits. */
export function format(amount: Amount): string {
  if (isFraction(amount)) {
    const exact = decimals(amount)
    if (exact !== null) return exact
    const near = Math.abs(toNumber(amount))
    if (!Number.isFinite(near) || near < LEAST_NORMAL) return scientific(amount)
  }
  return String(Number(toNumber(amount).toPrecision(15)))
}

/** Below it floating point loses digits. */
const LEAST_NORMAL = 2 ** -1022
const DIGITS = 15

/** What is too large or too small for floating point, rounded. */
function scientific({ over, under }: Fraction): string {
  const size = over < 0n ? -over : over
  let exponent = size.toString().length - under.toString().length
  if (size * tens(-exponent) < under * tens(exponent)) exponent--
  const scale = DIGITS - 1 - exponent
  let digits = String((2n * size * tens(scale) + under * tens(-scale)) / (2n * under * tens(-scale)))
  if (digits.length > DIGITS) exponent++
  digits = digits.slice(0, DIGITS).replace(/0+$/, '')
  const fractional = digits.length === 1 ? '' : `.${digits.slice(1)}`
  return `${over < 0n ? '-' : ''}${digits[0]}${fractional}e${exponent < 0 ? '' : '+'}${exponent}`
}

function tens(exponent: number): bigint {
  return exponent <= 0 ? 1n : 10n ** BigInt(exponent)
}

function decimals({ over, under }: Fraction): string | null {
  let places = 0
  let scaled = over < 0n ? -over : over
  for (; scaled % under !== 0n; places++, scaled *= 10n) if (places === 30) return null
  const digits = (scaled / under).toString().padStart(places + 1, '0')
  const sign = over < 0n ? '-' : ''
  return places === 0 ? sign + digits : `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`
}

function greatestDivisor(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b]
  return a === 0n ? 1n : a
}

function bitLength(value: bigint): number {
  return (value < 0n ? -value : value).toString(2).length
}

/** Newton's method on integers. */
function exactRoot(value: bigint): bigint | null {
  if (value < 2n) return value
  let root = 1n << BigInt((bitLength(value) + 1) >> 1)
  for (let next = (root + value / root) >> 1n; next < root; next = (root + value / root) >> 1n) root = next
  return root * root === value ? root : null
}
