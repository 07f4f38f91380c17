/** How credentials are made and taken away, as routes and methods ask for it. Made by `app/`; each part loads its code when it is called. */
import type { Principal } from '../contracts/principal.ts'

export interface Credentials {
  /** A new token; the old one ends now. Throws `auth/fixed` where it comes from the environment. */
  rotateToken(by: Principal): Promise<string>
}
