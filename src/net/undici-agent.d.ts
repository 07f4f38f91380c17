/**
 * The parts of undici that the transport needs. Loading these modules alone costs half the time and two thirds of the memory of the package's main file, which brings a
 * fetch, caches, mocks and a WebSocket along.
 */
declare module 'undici/lib/dispatcher/agent.js' {
  import type { Agent } from 'undici'
  const agent: typeof Agent
  export = agent
}

declare module 'undici/lib/dispatcher/client.js' {
  import type { Client } from 'undici'
  const client: typeof Client
  export = client
}

declare module 'undici/lib/core/connect.js' {
  import type { buildConnector } from 'undici'
  const build: typeof buildConnector
  export = build
}
