/**
 * The part of undici that the transport needs. Loading this one module costs half the time and two thirds of the memory of the package's main file, which brings a
 * fetch, caches, mocks and a WebSocket along.
 */
declare module 'undici/lib/dispatcher/agent.js' {
  import type { Agent } from 'undici'
  const agent: typeof Agent
  export = agent
}
