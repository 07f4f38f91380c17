/** A tool that counts how often it acted; by default one that must not be run twice. */
import * as z from 'zod'
import type { AnyTool, Tool } from '../../src/contracts/tool.ts'
import { manifest } from './manifest.ts'

export interface ActingTool {
  readonly tool: AnyTool
  readonly times: () => number
}

export function actingTool({ probe, ...more }: Pick<Tool, 'probe'> & Partial<Tool['manifest']> = {}): ActingTool {
  let times = 0
  const tool: AnyTool = {
    name: 'act',
    description: 'Acts',
    input: z.looseObject({}),
    manifest: manifest({ effect: 'write', effectWithoutDestination: 'write', recovery: 'unsafe', ...more }),
    ...(probe === undefined ? {} : { probe }),
    run: async () => ({ output: `acted ${++times}` }),
  }
  return { tool, times: () => times }
}
