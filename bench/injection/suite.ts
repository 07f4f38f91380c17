/** The replay data: a folder with `tools.json` (tools and what they may do), `benign.jsonl`, `attack.jsonl` and perhaps `textonly.jsonl`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import type { AnyTool } from '../../src/contracts/tool.ts'

const effect = z.enum(['read', 'write', 'egress', 'irreversible'])
const parameter = z.record(z.string(), z.json())
const toolFacts = z.object({
  name: z.string(),
  effect,
  effectWithoutDestination: effect.nullish(),
  returns: z.enum(['trusted', 'untrusted']),
  private: z.boolean(),
  destinationArgs: z.array(z.string()),
  contentArgs: z.array(z.string()),
  targetArgs: z.array(z.string()),
  curated: z.boolean().nullish(),
  parameters: z.object({ properties: z.record(z.string(), parameter).default({}) }),
})
const toolsFile = z.object({ suite: z.string(), owner: z.object({ identifiers: z.array(z.string()) }), tools: z.array(toolFacts) })
const step = z.object({
  tool: z.string(),
  args: z.record(z.string(), z.json()),
  result: z.string(),
  error: z.string().nullish(),
  effect,
  harmful: z.boolean().default(false),
})
const benign = z.object({ id: z.string(), prompt: z.string(), steps: z.array(step) })
const attack = benign.extend({ hijackSteps: z.array(step).default([]) })

export type Step = z.infer<typeof step>
export type Benign = z.infer<typeof benign>
export type Attack = z.infer<typeof attack>

export interface Suite {
  readonly name: string
  readonly own: readonly string[]
  readonly tools: ReadonlyMap<string, AnyTool>
  readonly benign: readonly Benign[]
  readonly attacks: readonly Attack[]
  readonly textOnly: number
}

export function readSuites(folder: string): readonly Suite[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'tools.json')))
    .map((entry) => readSuite(join(folder, entry.name)))
}

export function readSuite(folder: string): Suite {
  const { suite, owner, tools } = toolsFile.parse(JSON.parse(readFileSync(join(folder, 'tools.json'), 'utf8')))
  return {
    name: suite,
    own: owner.identifiers,
    tools: new Map(tools.map((facts) => [facts.name, toolOf(facts)])),
    benign: readLines(join(folder, 'benign.jsonl'), benign),
    attacks: readLines(join(folder, 'attack.jsonl'), attack),
    textOnly: readLines(join(folder, 'textonly.jsonl'), benign).length,
  }
}

function readLines<T>(file: string, schema: z.ZodType<T>): readonly T[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.filter((line) => line.trim() !== '').map((line) => schema.parse(JSON.parse(line)))
}

/** A tool as the guard sees it. It is never run: the data say what it answered. */
function toolOf(facts: z.infer<typeof toolFacts>): AnyTool {
  return {
    name: facts.name,
    description: '',
    input: z.record(z.string(), z.json()),
    manifest: {
      effect: facts.effect,
      effectWithoutDestination: facts.effectWithoutDestination ?? facts.effect,
      recovery: 'unsafe',
      consent: 'judged',
      destinations: facts.destinationArgs,
      targets: facts.targetArgs.filter((name) => !isMeasure(name, facts.parameters.properties[name.split('.')[0] ?? ''])),
      content: facts.contentArgs,
      paths: facts.effect === 'read' ? Object.keys(facts.parameters.properties).filter((name) => /(?:^|_)(?:path|file|filename)$/.test(name)) : [],
      // The data do not say which results are serialised by a provider. Those of the owner's own stores and of catalogues are; pages and reviews are not private.
      returns: { trust: facts.returns, private: facts.private, curated: facts.curated ?? false, records: facts.returns === 'trusted' || facts.private },
    },
    run: () => Promise.reject(new Error('a replay runs nothing')),
  }
}

/** How much, whether, one of a few: amounts and switches have no identity. A whole number has one where its name says so. */
function isMeasure(name: string, schema: z.infer<typeof parameter> | undefined): boolean {
  const text = JSON.stringify(schema ?? {})
  if (/"type":"integer"/.test(text)) return !/(?:^|[_.])(?:id|number|no|code|pin|otp)$/.test(name)
  return /"type":"(?:number|boolean)"/.test(text) || /"enum":/.test(text)
}
