/** The commands as one page of Markdown. */
import { type Command, isGroup } from '../src/cli/command.ts'
import { exitCodeTable } from '../src/cli/exit-codes.ts'
import { exitCodesOf, optionRows, usageLine } from '../src/cli/help.ts'
import { registry } from '../src/cli/registry.ts'

export async function cliReference(): Promise<string> {
  const sections: string[] = []
  const contents: string[] = []
  for (const entry of registry) {
    const found = await entry.load()
    contents.push(`| [\`cara ${entry.name}\`](#cara-${entry.name}) | ${cell(entry.summary)} |`)
    if (!isGroup(found)) sections.push(section(`cara ${entry.name}`, found, '##'))
    else
      sections.push(
        `## cara ${entry.name}\n\n${found.summary}.\n`,
        ...found.commands.map((command) => section(`cara ${entry.name} ${command.name}`, command, '###')),
      )
  }
  return `# Command line

This page is generated from the commands themselves (\`scripts/generate-cli-docs.ts\`). \`cara COMMAND --help\` says the same.

| command | what it does |
|---|---|
${contents.join('\n')}

## Exit codes

| code | meaning |
|---|---|
${exitCodeTable.map((row) => `| ${row.code} | ${cell(row.meaning)} |`).join('\n')}

An error is one line that says what is wrong and one that says what to do next, on standard error; with \`--json\` it is \`{"error": {"code", "message", "hint"}}\`.
Colours appear on a terminal only, and never when \`NO_COLOR\` is set.

${sections.join('\n')}`
}

function section(path: string, command: Command, level: string): string {
  const options = optionRows(command)
  return [
    `${level} ${path}`,
    '',
    `${command.summary}.${command.details === undefined ? '' : ` ${command.details.replaceAll('\n', ' ')}`}`,
    '',
    '```sh',
    usageLine(path.slice(0, -command.name.length), command),
    '```',
    '',
    ...table(
      ['argument', 'meaning'],
      command.positionals.map((one) => [`\`${one.name}\``, one.description]),
    ),
    ...table(
      ['option', 'meaning'],
      options.map(([term, text]) => [`\`${term.trim()}\``, text]),
    ),
    ...command.examples.flatMap((example) => [`${example.does}:`, '', '```sh', example.command, '```', '']),
    `Exit codes: ${exitCodesOf(command)
      .map((row) => row.code)
      .join(', ')}.`,
    '',
  ].join('\n')
}

function table(heading: readonly [string, string], rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return []
  return [`| ${heading.join(' | ')} |`, '|---|---|', ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`), '']
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
