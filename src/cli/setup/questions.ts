/** How setup asks: on a terminal by prompts, elsewhere not at all. */
import { AppError } from '../../contracts/errors.ts'
import type { Terminal } from '../context.ts'

export interface Choice {
  readonly value: string
  readonly label: string
  readonly hint?: string
}

/** Every question throws `turn/cancelled` when the user leaves, and `cli/usage` that names `flag` where nobody can be asked. */
export interface Questions {
  select(question: { readonly message: string; readonly choices: readonly Choice[]; readonly flag: string }): Promise<string>
  text(question: {
    readonly message: string
    readonly initial?: string
    readonly isRequired: boolean
    readonly isSecret?: boolean
    readonly flag: string
  }): Promise<string>
  confirm(question: { readonly message: string; readonly flag: string }): Promise<boolean>
  /** Shows that something takes a moment. */
  during<T>(message: string, work: () => Promise<T>): Promise<T>
  say(message: string): void
}

export const noQuestions: Questions = {
  select: ({ flag }) => Promise.reject(missing(flag)),
  text: ({ flag, isRequired }) => (isRequired ? Promise.reject(missing(flag)) : Promise.resolve('')),
  confirm: ({ flag }) => Promise.reject(missing(flag)),
  during: (_message, work) => work(),
  say: () => undefined,
}

function missing(flag: string): AppError {
  return new AppError('cli/usage', `${flag} is missing`, { hint: 'give it, or run `cara setup` on a terminal' })
}

export async function terminalQuestions(io: Terminal): Promise<Questions> {
  const prompts = await import('@clack/prompts')
  const { input, output } = io
  const answered = <T extends string | boolean>(value: T | symbol | undefined, empty: T): T => {
    if (typeof value === 'symbol') throw new AppError('turn/cancelled', 'nothing was changed')
    return value ?? empty
  }
  return {
    async select({ message, choices }) {
      const options = choices.map((choice) => ({ value: choice.value, label: choice.label, ...(choice.hint === undefined ? {} : { hint: choice.hint }) }))
      return answered<string>(await prompts.select({ message, options, input, output, maxItems: 12 }), '')
    },
    async text({ message, initial, isRequired, isSecret }) {
      const validate = (value: string | undefined) => (isRequired && (value ?? '').trim() === '' ? 'This is needed' : undefined)
      if (isSecret === true) return answered<string>(await prompts.password({ message, validate, input, output }), '')
      return answered<string>(await prompts.text({ message, validate, input, output, ...(initial === undefined ? {} : { initialValue: initial }) }), '')
    },
    async confirm({ message }) {
      return answered<boolean>(await prompts.confirm({ message, input, output, initialValue: false }), false)
    },
    async during(message, work) {
      const spinner = prompts.spinner({ output })
      spinner.start(message)
      try {
        const result = await work()
        spinner.stop(message)
        return result
      } catch (error) {
        spinner.error(message)
        throw error
      }
    },
    say: (message) => prompts.log.info(message, { output }),
  }
}
