import type { ReturnsRule, ToolManifest } from '../contracts/tool.ts'

/** The manifest of a tool that looks at what is here: nothing changes, nothing leaves, and it may run again. `paths`: arguments that name files. */
export function reading(returns: ReturnsRule, paths: readonly string[] = []): ToolManifest {
  return {
    effect: 'read',
    effectWithoutDestination: 'read',
    recovery: 'pure',
    destinations: [],
    targets: [],
    content: [],
    paths,
    consent: 'judged',
    returns,
  }
}
