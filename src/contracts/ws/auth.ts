/** The token of the gateway. */
import * as z from 'zod'

/** `auth.rotate {}`: the new token of the gateway. The old one opens nothing more, and connections that came by it close, this one too if it did. */
export const authRotateResult = z.object({ token: z.string() })
