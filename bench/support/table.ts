import type { Judged, Unit } from './figure.ts'

const HEAD = ['', 'cara', 'reference', 'ratio', 'bar', '']

export function table(title: string, figures: readonly Judged[]): string {
  const rows = [[title, ...HEAD.slice(1)], ...figures.map(row)]
  const widths = HEAD.map((_, column) => Math.max(...rows.map((cells) => (cells[column] ?? '').length)))
  const lines = rows.map((cells) =>
    cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  '),
  )
  const notes = figures.flatMap(({ name, note }) => (note === undefined ? [] : [`  ${name}: ${note}`]))
  return `${[...lines, ...notes].map((line) => line.trimEnd()).join('\n')}\n`
}

function row({ name, value, unit, reference, ratio, bar, ok }: Judged): string[] {
  return [
    `  ${name}`,
    quantity(value, unit),
    reference === undefined ? '' : `${reference.name} ${quantity(reference.value, unit)}`,
    ratio === null ? '' : `${ratio.toFixed(2)}×`,
    bar === undefined ? '' : bar.text,
    ok === null ? '' : ok ? 'ok' : 'MISSED',
  ]
}

function quantity(value: number, unit: Unit): string {
  const digits = value >= 100 || Number.isInteger(value) ? 0 : value >= 10 ? 1 : 2
  return `${value.toFixed(digits)} ${unit}`
}
