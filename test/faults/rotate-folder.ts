/** The change of the key over a state folder and its configuration, with a credential store in a folder beside it. */
import { editOptions } from '../../src/app/edit-config.ts'
import { resolvePaths } from '../../src/config/paths.ts'
import { resealConfig } from '../../src/config/secret-texts.ts'
import type { KeyKind } from '../../src/secrets/keys.ts'
import { rotateKeys, type Rotated } from '../../src/secrets/rotate.ts'
import { createVault } from '../../src/secrets/vault.ts'
import { fileStore } from '../doubles/file-store.ts'

export interface Change {
  readonly state: string
  readonly config: string
  readonly password: string | undefined
  readonly to: KeyKind
  readonly newPassword: string
}

export function rotateFolder({ state, config, password, to, newPassword }: Change, onStep: () => void): Promise<Rotated> {
  const env = { CARAPACE_STATE_DIR: state, CARAPACE_CONFIG_PATH: config }
  const store = fileStore(`${state}-store`)
  const vault = createVault(state, password, store)
  const configuration = (reseal: (path: string, sealed: string) => string) => resealConfig(editOptions(env, resolvePaths(env), vault), reseal)
  return rotateKeys({ stateDir: state, vault, to, newPassword, store, configuration, onStep })
}
