/** An option of a command, and the ones that many share. */
export interface Option {
  readonly type: 'string' | 'number' | 'boolean' | 'list'
  readonly short?: string
  /** Placeholder of the value in help. */
  readonly value?: string
  readonly description: string
  readonly default?: string | number
  /** The only values that a `string` may have. */
  readonly choices?: readonly string[]
}
export type Options = Readonly<Record<string, Option>>

export const jsonOption = { type: 'boolean', description: 'Print JSON, errors too' } as const

/** For whatever talks to a gateway. */
export const gatewayOptions = {
  host: {
    type: 'string',
    value: 'HOST',
    description: 'Host of the gateway, or the URL of one that this machine is paired with; by default the one of this configuration',
  },
  port: { type: 'number', value: 'PORT', description: 'Port of the gateway; by default the one of this configuration' },
} as const
