import type { AuditTrail } from '../contracts/audit.ts'
import type { Clock } from '../contracts/clock.ts'
import type { SecretRegistry } from '../contracts/log.ts'
import type { OutboxStore } from '../contracts/outbox.ts'
import type { WebhookConfig, WebhookDeps } from '../channels/webhook.ts'
import { Outbox } from '../gateway/outbox/outbox.ts'
import { guardDestinations } from '../guard/guarded-messages.ts'
import type { Reporter } from '../guard/stage.ts'
import type { PersonalKind } from '../guard/text/personal.ts'
import { newId } from '../std/ids.ts'

export interface MessageDeps extends WebhookDeps {
  readonly secrets: SecretRegistry
  /** Kinds of personal data that no destination gets. */
  readonly personal: readonly PersonalKind[]
  readonly report: Reporter
  readonly store: OutboxStore
  readonly audit: Pick<AuditTrail, 'note'>
  readonly clock: Clock
}

/** No destination is loaded where none is configured. */
export async function openMessages(section: Readonly<Record<string, WebhookConfig>>, deps: MessageDeps): Promise<Outbox> {
  const { secrets, personal, report, clock } = deps
  const hasSome = Object.keys(section).length > 0
  const destinations = hasSome ? (await import('../channels/create-destinations.ts')).createDestinations(section, deps) : []
  return new Outbox({ ...deps, destinations: guardDestinations(destinations, secrets, personal, report), owner: newId('run', clock.now()) })
}
