/** `exec` as a tool, over the best sandbox of this machine. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { toolDefinition } from '../../src/tools/definition.ts'
import { openCommands, type Commands } from '../doubles/commands.ts'
import { installBubblewrap } from '../doubles/install-packages.ts'
import { testToolContract } from './tool-contract.ts'

installBubblewrap()
let commands: Promise<Commands> | null = null
const open = () => (commands ??= openCommands({ openProxy: async () => ({ take: (connection) => void connection.destroy(), close: () => undefined }) }))
after(async () => (await commands)?.[Symbol.asyncDispose]())

testToolContract('exec', {
  make: async () => (await open()).tool,
  input: { argv: ['cat'], stdin: 'hello', hosts: ['api.example.com'] },
})

test('exec is small in a prompt', async () => {
  const { tool } = await open()
  assert.ok(
    JSON.stringify(toolDefinition(tool)).length < 900,
    `${JSON.stringify(toolDefinition(tool)).length} characters: ${JSON.stringify(toolDefinition(tool))}`,
  )
})
