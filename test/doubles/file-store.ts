/** A credential store in a folder, for what is tried about its keys; `src/secrets/os-store` is tried against a real one in test/security/credential-store.test.ts. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CredentialStore } from '../../src/contracts/credential-store.ts'
import { AppError } from '../../src/contracts/errors.ts'

export interface FileStore extends CredentialStore {
  /** While it is true, nobody answers. */
  isLost: boolean
  accounts(): readonly string[]
}

export function fileStore(folder: string): FileStore {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const answer = () => {
    if (store.isLost) throw new AppError('secrets/store-lost', 'it does not answer')
  }
  const store: FileStore = {
    name: 'store of the test',
    isLost: false,
    accounts: () => readdirSync(folder),
    read(account) {
      answer()
      return existsSync(join(folder, account)) ? readFileSync(join(folder, account)) : null
    },
    write(account, key) {
      answer()
      writeFileSync(join(folder, account), key, { mode: 0o600 })
    },
    delete(account) {
      answer()
      rmSync(join(folder, account), { force: true })
    },
  }
  return store
}
