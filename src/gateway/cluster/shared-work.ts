/**
 * Tells of jobs and tasks on every node. What happens is kept first; then each node, this one too, hears it as it stands in the store: all hear the same, in the same order. What could not be
 * kept is told here alone.
 */
import type { Log } from '../../contracts/log.ts'
import type { WorkEvent, WorkFeed, WorkLog } from '../../contracts/work.ts'
import { Listeners } from '../listeners.ts'

export interface SharedWorkDeps {
  readonly kept: WorkLog
  readonly node: string
  readonly now: () => number
  readonly log: Log
}

const PAGE = 100
/** A store that does not answer is not waited for by more. */
const MAX_WAITING = 1000

export class SharedWork implements WorkFeed {
  readonly #deps: SharedWorkDeps
  readonly #listeners: Listeners<WorkEvent>
  /** The position up to which everything was heard. */
  #heard: number | null = null
  #keeping: Promise<void> = Promise.resolve()
  #waiting = 0
  #isReading = false
  #isDue = false

  constructor(deps: SharedWorkDeps) {
    this.#deps = deps
    this.#listeners = new Listeners(deps.log)
  }

  add(listener: (event: WorkEvent) => void): () => void {
    return this.#listeners.add(listener)
  }

  tell(event: WorkEvent): void {
    if (this.#waiting >= MAX_WAITING) return this.#tellHere(event, 'too many wait')
    this.#waiting++
    this.#keeping = this.#keeping.then(() => this.#keep(event))
  }

  /** Reads what is new, if that is not being done. */
  async look(): Promise<void> {
    this.#isDue = true
    if (this.#isReading) return
    this.#isReading = true
    try {
      while (this.#isDue) {
        this.#isDue = false
        await this.#read()
      }
    } catch (error) {
      this.#deps.log.warn('work.unread', { error })
    } finally {
      this.#isReading = false
    }
  }

  /** Resolves when everything is kept that was told before. */
  settled(): Promise<void> {
    return this.#keeping
  }

  async #keep(event: WorkEvent): Promise<void> {
    const { kept, node, now } = this.#deps
    try {
      this.#heard ??= await kept.last()
      await kept.append(event, node, now())
      await this.look()
    } catch (error) {
      this.#tellHere(event, error)
    } finally {
      this.#waiting--
    }
  }

  async #read(): Promise<void> {
    const { kept, log } = this.#deps
    let heard = (this.#heard ??= await kept.last())
    for (let isMore = true; isMore;) {
      const page = await kept.after(heard, PAGE)
      for (const { position, event } of page) {
        this.#heard = heard = position
        if (event === null) log.warn('work.unreadable', { position })
        else this.#listeners.tell(event)
      }
      isMore = page.length === PAGE
    }
  }

  #tellHere(event: WorkEvent, error: unknown): void {
    this.#deps.log.warn('work.unkept', { error })
    this.#listeners.tell(event)
  }
}
