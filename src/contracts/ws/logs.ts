/** The log. */
import * as z from 'zod'

/** `logs.tail {limit?, follow?}` (200 lines by default, at most 5,000). With `follow: true` new lines come as `logs` events until `logs.unfollow {}` or the end of the connection. */
export const logsTailResult = z.object({ lines: z.array(z.string()), following: z.boolean() })

export const logsUnfollowResult = z.object({ following: z.literal(false) })

/** Event `logs`: lines as they are written; `dropped` counts those that came too fast to send. */
export const logsEvent = z.object({ lines: z.array(z.string()), dropped: z.number() })
