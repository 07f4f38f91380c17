import type { SecretRegistry } from '../contracts/log.ts'
import type { Messages } from '../contracts/destination.ts'
import type { WebhookConfig, WebhookDeps } from '../channels/webhook.ts'
import type { Reporter } from '../guard/stage.ts'

/** Nothing is loaded where no destination is configured. */
export async function openMessages(
  section: Readonly<Record<string, WebhookConfig>>,
  { secrets, report, ...deps }: WebhookDeps & { readonly secrets: SecretRegistry; readonly report: Reporter },
): Promise<Messages> {
  const { guardMessages } = await import('../guard/guarded-messages.ts')
  if (Object.keys(section).length === 0) return guardMessages([], secrets, report)
  const { createDestinations } = await import('../channels/create-destinations.ts')
  return guardMessages(createDestinations(section, deps), secrets, report)
}
