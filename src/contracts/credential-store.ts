/** The place where the operating system keeps credentials of this user: Secret Service, Keychain, Credential Manager. */
export interface CredentialStore {
  /** For people. */
  readonly name: string
  /** Null where there is none of this name. Throws `secrets/store-lost` when nobody answers in time. */
  read(account: string): Buffer | null
  /** Throws `secrets/store-lost`. */
  write(account: string, key: Buffer): void
  delete(account: string): void
}
