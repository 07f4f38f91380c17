/** What a bench finds: a value beside its reference of the same run, and the bar that it has to clear. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: Unit
  readonly reference?: { readonly name: string; readonly value: number }
  readonly bar?: Bar
  readonly note?: string
}

export type Unit = 'ms' | 'MB' | 'req/s' | 'turns/s' | 'rows/s' | 'bytes' | 'tokens'

export interface Bar {
  readonly text: string
  readonly holds: (value: number, reference: number) => boolean
}

export interface Judged extends Figure {
  /** Value by reference; null without a reference. */
  readonly ratio: number | null
  /** Null without a bar. */
  readonly ok: boolean | null
}

export function judge(figure: Figure): Judged {
  const { value, reference, bar } = figure
  return {
    ...figure,
    ratio: reference === undefined ? null : value / reference.value,
    ok: bar === undefined ? null : bar.holds(value, reference?.value ?? Number.NaN),
  }
}

export function atMost(limit: number): Bar {
  return { text: `≤ ${limit}`, holds: (value) => value <= limit }
}

export function atMostTimes(factor: number): Bar {
  return { text: `≤ ${factor}×`, holds: (value, reference) => value <= factor * reference }
}

export function atLeastTimes(factor: number): Bar {
  return { text: `≥ ${factor}×`, holds: (value, reference) => value >= factor * reference }
}

export function atMostMore(extra: number): Bar {
  return { text: `≤ +${extra}`, holds: (value, reference) => value <= reference + extra }
}
