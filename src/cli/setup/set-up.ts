/** `cara setup`, from the questions to the written configuration. Nothing is written before the provider has accepted the credentials. */
import { AppError } from '../../contracts/errors.ts'
import type { CliContext, ProviderOffer } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { didYouMean } from '../nearest.ts'
import { clean, safeJson } from '../output.ts'
import { type FieldValue, readFields, type SetupFlags } from './fields.ts'
import type { Questions } from './questions.ts'

/** A list longer than this is not offered for choosing. */
const MAX_LISTED = 200

export async function setUp(context: CliContext, ask: Questions, flags: SetupFlags): Promise<number> {
  await checkOverwrite(context, ask, flags)
  const offer = await chooseProvider(context, ask, flags)
  const { fields, models } = await connect(context, ask, flags, offer)
  const model = await chooseModel(ask, flags, offer, models)
  for (const field of fields) await context.services.setConfig(`providers.${offer.id}.${field.path}`, field.written)
  await context.services.setConfig('agent.model', model)
  if (flags.port !== undefined) await context.services.setConfig('gateway.port', String(flags.port))
  context.io.write(`saved in ${context.services.paths().configFile}: ${clean(model)}\nnext step: \`cara verify\` tries it, \`cara start\` starts the gateway\n`)
  return exitCodes.ok
}

async function checkOverwrite(context: CliContext, ask: Questions, flags: SetupFlags): Promise<void> {
  if (flags.force) return
  const settings = await context.services.settings()
  const current = settings.explain('agent.model')
  if (current.source !== 'file') return
  if (!(await ask.confirm({ message: `${safeJson(current.value)} is set up. Replace it?`, flag: '--force' })))
    throw new AppError('turn/cancelled', 'nothing was changed')
}

async function chooseProvider(context: CliContext, ask: Questions, flags: SetupFlags): Promise<ProviderOffer> {
  const offers = await context.services.providers()
  const isInEnvironment = (offer: ProviderOffer) => offer.fields.some((field) => field.env !== undefined && context.env[field.env] !== undefined)
  const id =
    flags.provider ??
    (await ask.select({
      message: 'Which provider?',
      choices: offers.map((offer) => ({ value: offer.id, label: offer.summary, ...(isInEnvironment(offer) ? { hint: 'found in the environment' } : {}) })),
      flag: '--provider',
    }))
  const offer = offers.find((one) => one.id === id)
  if (offer !== undefined) return offer
  const ids = offers.map((one) => one.id)
  throw new AppError('cli/usage', `there is no provider ${JSON.stringify(id.slice(0, 40))}`, { hint: didYouMean(id, ids) ?? `use one of ${ids.join(', ')}` })
}

/** On a terminal, credentials that do not work can be typed again. */
async function connect(
  context: CliContext,
  ask: Questions,
  flags: SetupFlags,
  offer: ProviderOffer,
): Promise<{ readonly fields: readonly FieldValue[]; readonly models: readonly string[] }> {
  for (let attempt = 0; ; attempt++) {
    const fields = await readFields(context, ask, attempt === 0 ? flags : { provider: offer.id, fields: [], force: true }, offer)
    const section = Object.fromEntries(fields.map((field) => [field.path, field.value]))
    try {
      const models = await ask.during(`asking ${offer.id}`, () => context.services.tryProvider(offer.id, section))
      return { fields, models }
    } catch (error) {
      if (!(error instanceof AppError) || attempt >= 4) throw error
      ask.say(error.message)
      const again = await ask.confirm({ message: 'Try again with other values?', flag: '--api-key' }).catch(() => false)
      if (!again) throw error
    }
  }
}

async function chooseModel(ask: Questions, flags: SetupFlags, offer: ProviderOffer, models: readonly string[]): Promise<string> {
  const prefix = `${offer.id}:`
  const isListed = models.length > 0 && models.length <= MAX_LISTED
  const name =
    flags.model ??
    (isListed
      ? await ask.select({ message: 'Which model?', choices: models.map((model) => ({ value: model, label: clean(model) })), flag: '--model' })
      : await ask.text({ message: `Which model of ${offer.id}?`, isRequired: true, flag: '--model' }))
  return name.startsWith(prefix) ? name : `${prefix}${name}`
}
