import type { SecretRegistry } from '../contracts/log.ts'
import type { Messages } from '../contracts/destination.ts'
import type { WebhookConfig, WebhookDeps } from '../channels/webhook.ts'
import type { Reporter } from '../guard/stage.ts'
import type { PersonalKind } from '../guard/text/personal.ts'

export interface MessageDeps extends WebhookDeps {
  readonly secrets: SecretRegistry
  /** Kinds of personal data that no destination gets. */
  readonly personal: readonly PersonalKind[]
  readonly report: Reporter
}

/** Nothing is loaded where no destination is configured. */
export async function openMessages(section: Readonly<Record<string, WebhookConfig>>, { secrets, personal, report, ...deps }: MessageDeps): Promise<Messages> {
  const { guardMessages } = await import('../guard/guarded-messages.ts')
  if (Object.keys(section).length === 0) return guardMessages([], secrets, personal, report)
  const { createDestinations } = await import('../channels/create-destinations.ts')
  return guardMessages(createDestinations(section, deps), secrets, personal, report)
}
