/** How credentials are made and taken away, as routes and methods ask for it. Made by `app/`; each part loads its code when it is called. */
import type { Principal } from '../contracts/principal.ts'
import type { DeviceEvent, Devices } from '../guard/identity/devices.ts'
import type { OpenedSession } from '../guard/identity/sessions.ts'

export interface Credentials {
  /** A new token; the old one ends now, and every session with it. Throws `auth/fixed` where it comes from the environment. */
  rotateToken(by: Principal): Promise<string>
  /** Null for a wrong password, and where there is none. Throws `auth/locked-out` and `request/rate-limited`. */
  openSession(password: string, origin: string): Promise<OpenedSession | null>
  /** False where the principal came by something else. */
  endSession(principal: Principal): boolean
  devices(): Promise<Devices>
  /** Returns the way to stop listening. */
  onDeviceEvent(listener: (event: DeviceEvent) => void): () => void
}
