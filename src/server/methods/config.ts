import * as z from 'zod'
import { configGetResult, configSchemaResult } from '../../contracts/ws/config.ts'
import { defineMethod } from '../method.ts'

export const configGet = defineMethod({
  name: 'config.get',
  scope: 'operator.read',
  params: z.strictObject({ key: z.string().min(1).max(256).optional() }),
  result: configGetResult,
  handle({ key }, { deps: { settings } }) {
    return { value: key === undefined ? settings.redacted() : settings.get(key), hash: settings.hash, file: settings.file }
  },
})

export const configSchema = defineMethod({
  name: 'config.schema',
  scope: 'operator.read',
  params: z.strictObject({}),
  result: configSchemaResult,
  handle: (_, { deps }) => ({ schema: deps.settings.schema() }),
})
