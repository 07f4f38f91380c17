import type { Destination } from '../contracts/destination.ts'
import { createWebhook, type WebhookConfig, type WebhookDeps } from './webhook.ts'

/** The destinations of the configuration, in its order. */
export function createDestinations(section: Readonly<Record<string, WebhookConfig>>, deps: WebhookDeps): readonly Destination[] {
  return Object.entries(section).map(([name, config]) => createWebhook(name, config, deps))
}
