import { defineCommand } from '../command.ts'
import { jsonOption } from '../option.ts'
import { exitCodes } from '../exit-codes.ts'
import { printJson } from '../output.ts'

export const command = defineCommand({
  name: 'version',
  summary: 'Version and platform',
  options: { json: jsonOption },
  positionals: [],
  examples: [{ command: 'cara version --json', does: 'Prints version, Node and platform' }],
  run(context, parsed) {
    const facts = { version: context.version, node: process.versions.node, platform: `${process.platform}-${process.arch}` }
    if (parsed.flag('json')) printJson(context.io, facts)
    else context.io.write(`cara ${facts.version}\nnode ${facts.node}\nplatform ${facts.platform}\n`)
    return Promise.resolve(exitCodes.ok)
  },
})
