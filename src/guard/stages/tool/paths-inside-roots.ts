import type { ToolCall } from '../../../contracts/tool.ts'
import { resolveInsideRoots } from '../../../std/inside-roots.ts'
import { PASS, type AsyncStage } from '../../stage.ts'
import type { ToolCallContext } from './facts.ts'
import { valuesAt } from './values-at.ts'

/** Every argument that names a file lies inside the configured folders, links resolved. The tool opens it the same way again: a link swapped in between gains nothing. */
export const pathsInsideRoots: AsyncStage<ToolCall, ToolCallContext> = {
  name: 'pathsInsideRoots',
  async check({ tool, input }, { tools, roots }) {
    for (const path of tools.get(tool)?.manifest.paths ?? []) {
      for (const value of valuesAt(input, path.split('.'))) {
        if (typeof value !== 'string' || (await resolveInsideRoots(value, roots)) === null) {
          const hint = roots.length === 0 ? 'No folder is configured: cara config set filesystem.roots \'["/path"]\'' : `Folders: ${roots.join(', ')}`
          return { verdict: 'block', code: 'file/outside-roots', why: `argument ${path} of ${tool}`, hint }
        }
      }
    }
    return PASS
  },
}
