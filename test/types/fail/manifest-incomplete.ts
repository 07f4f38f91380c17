// expect-error: is missing the following properties from type 'ToolManifest'
import type { ToolManifest } from '../../../src/contracts/tool.ts'

/** A tool cannot forget to say where data goes and how it recovers. */
export const manifest: ToolManifest = { effect: 'read', returns: { trust: 'trusted', private: false, curated: false, records: false } }
