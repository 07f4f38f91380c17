/** In which form the texts of a database are, or on the way to which. */
import type { Database } from '../contracts/store.ts'

export type TextState = 'plain' | 'sealing' | 'sealed' | 'opening'

export async function readTextState(database: Database): Promise<TextState> {
  const rows = await database.query('SELECT value FROM meta WHERE name = $1', ['texts'])
  const value = rows[0]?.['value'] ?? 'plain'
  return value === 'sealing' || value === 'sealed' || value === 'opening' ? value : 'plain'
}
