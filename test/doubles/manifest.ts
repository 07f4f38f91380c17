/** What a tool of a test declares: that it only reads, and returns trusted words, but for what the test says. */
import type { ToolManifest } from '../../src/contracts/tool.ts'
import { reading } from '../../src/tools/reading.ts'

export function manifest(more: Partial<ToolManifest> = {}): ToolManifest {
  return { ...reading({ trust: 'trusted', private: false, curated: false, records: false }), ...more }
}
