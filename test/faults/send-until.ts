/** A process that sends messages, and kills itself at the n-th write, before or after it: `send-until.ts FOLDER URL FORMAT COUNT WORDS N before|after`. 0 never comes. */
import type { Database, Statement } from '../../src/contracts/store.ts'
import type { WebhookConfig } from '../../src/channels/webhook.ts'
import { systemClock } from '../../src/std/clock.ts'
import { openOutbox } from '../doubles/open-outbox.ts'
import { longText } from './long-text.ts'

const [folder = '', url = '', form = '', count = '', words = '', at = '', moment = ''] = process.argv.slice(2)
const format: WebhookConfig['format'] = form === 'discord' ? 'discord' : 'json'
let written = 0

function deadly(database: Database): Database {
  const write = async (statements: readonly Statement[]) => {
    const isLast = ++written === Number(at)
    if (isLast && moment === 'before') process.kill(process.pid, 'SIGKILL')
    const done = await database.write(statements)
    if (isLast) process.kill(process.pid, 'SIGKILL')
    return done
  }
  return { ...database, write, commit: async (statements) => (await write(statements)).durable() }
}

const mine = await openOutbox({
  to: { mine: { url, format } },
  folder,
  wrap: deadly,
  clock: { ...systemClock, advance: async () => undefined },
})
for (let number = 1; number <= Number(count); number++) {
  await mine.send(longText(number, Number(words)), { key: `k${number}` })
  process.stdout.write(`accepted ${number}\n`)
}
while ((await mine.store.outbox.heads()).length > 0) await systemClock.sleep(5, new AbortController().signal)
process.stdout.write(`written ${written}\n`)
await mine.crash()
