/**
 * Makes queues of the lines of an export: messages in batches, and once a queue has all of its messages its
 * groups, and what those had made of them. Touches the store it is given.
 */
import { QlogTypeError } from '../../errors.ts'
import type { ImportState, StoreAccess, VerbTypes } from '../../server/index.ts'

/** What goes out with one request: rows, bytes of bodies, characters of JSON. */
const BATCH_COUNT = 256
const BATCH_BYTES = 1024 * 1024
const BATCH_CHARACTERS = 32 * 1024

type ImportRow = VerbTypes['import']['args']['messages'][number]
type States = Readonly<Record<string, ImportedState>>
type ImportedState = Omit<ImportState, 'id'> & { readonly sequence?: number }

interface Message {
  readonly row: ImportRow
  readonly body: Uint8Array
  readonly offset: number
  readonly groups: States
}

interface Group {
  readonly group: string
  readonly floor: number
  readonly settings: { readonly leasedMax?: number; readonly promoteAfterMs?: number }
  /** The first message that it has not finished. */
  fromId: number | null
  readonly states: { readonly sequence: number; readonly state: ImportState }[]
}

export class Importer {
  messages = 0
  queues = 0
  readonly #store: StoreAccess
  readonly #existing: ReadonlySet<string>
  #queue: string | undefined
  #pausedMs = 0
  #groups: Group[] = []
  #batch: Message[] = []
  #bytes = 0
  #characters = 0

  constructor(store: StoreAccess, existing: ReadonlySet<string>) {
    this.#store = store
    this.#existing = existing
  }

  async take(line: Readonly<Record<string, unknown>>): Promise<void> {
    const { kind } = line
    if (kind === 'queue') return this.#beginQueue(line)
    if (this.#queue === undefined || line['queue'] !== this.#queue) {
      throw new QlogTypeError('it belongs to no queue that was begun before it')
    }
    if (kind === 'group') this.#groups.push(groupOf(line))
    else if (kind === 'message') await this.#addMessage(messageOf(line))
    else throw new QlogTypeError(`it is no queue, group or message but ${String(kind)}`)
  }

  /** The queue that is open is whole. */
  async finish(): Promise<void> {
    const queue = this.#queue
    if (queue === undefined) return
    await this.#flush()
    // All of them, and first who has most to do: a message is gone once every group there is has finished it.
    const groups = this.#groups.sort((a, b) => compare(startOf(a), startOf(b)))
    for (const { group, fromId } of groups) {
      await this.#store.call('importGroup', { queue, group, fromId })
    }
    for (const group of groups) await this.#bringBack(queue, group)
    if (this.#pausedMs > 0) {
      await this.#store.call('pause', { queue, pauseMs: this.#pausedMs })
    }
    this.#groups = []
    this.#queue = undefined
    this.queues += 1
  }

  async #beginQueue({ queue, pausedMs }: Readonly<Record<string, unknown>>): Promise<void> {
    await this.finish()
    if (typeof queue !== 'string') throw new QlogTypeError('it names no queue')
    if (this.#existing.has(queue)) {
      throw new QlogTypeError(`the store has a queue ${queue} already: import into another store`)
    }
    this.#queue = queue
    this.#pausedMs = typeof pausedMs === 'number' ? pausedMs : 0
  }

  async #addMessage(message: Message): Promise<void> {
    const characters = JSON.stringify(message.row).length
    const isFull =
      this.#batch.length >= BATCH_COUNT ||
      this.#bytes + message.body.length > BATCH_BYTES ||
      this.#characters + characters > BATCH_CHARACTERS
    if (isFull) await this.#flush()
    this.#batch.push(message)
    this.#bytes += message.body.length
    this.#characters += characters
  }

  async #flush(): Promise<void> {
    const queue = this.#queue
    const batch = this.#batch
    if (queue === undefined || batch.length === 0) return
    this.#batch = []
    this.#bytes = 0
    this.#characters = 0
    let at = 0
    const tail = Buffer.concat(batch.map(({ body }) => body))
    const onItem = ({ id }: { readonly id: number }): void => {
      const message = batch[at]
      at += 1
      if (message) this.#note(id, message)
    }
    const messages = batch.map(({ row }) => row)
    await this.#store.call('import', { queue, messages }, { tail, onItem })
  }

  #note(id: number, { offset, groups }: Message): void {
    this.messages += 1
    for (const group of this.#groups) {
      if (offset >= group.floor) group.fromId ??= id
      const found = Object.hasOwn(groups, group.group) ? groups[group.group] : undefined
      if (found === undefined) continue
      const { sequence = -1, ...state } = found
      group.states.push({ sequence, state: { ...state, id } })
    }
  }

  async #bringBack(queue: string, { group, fromId, settings, states }: Group): Promise<void> {
    // Those that were buried come last, in the order in which they were.
    states.sort((a, b) => a.sequence - b.sequence || a.state.id - b.state.id)
    let some: ImportState[] = []
    let characters = 0
    for (const { state } of states) {
      some.push(state)
      characters += JSON.stringify(state).length
      if (some.length < BATCH_COUNT && characters < BATCH_CHARACTERS) continue
      await this.#store.call('importStates', { queue, group, states: some })
      some = []
      characters = 0
    }
    if (some.length > 0) await this.#store.call('importStates', { queue, group, states: some })
    // Its limits come last: they might hold up what stands above.
    if (Object.keys(settings).length > 0) {
      await this.#store.call('importGroup', { queue, group, fromId, ...settings })
    }
  }
}

/** Infinite ones are equal. */
function compare(one: number, other: number): number {
  return one === other ? 0 : one - other
}

function startOf({ fromId }: Group): number {
  return fromId ?? Number.POSITIVE_INFINITY
}

function groupOf(line: Readonly<Record<string, unknown>>): Group {
  const { group, floor, leasedMax, promoteAfterMs } = line
  if (typeof group !== 'string' || typeof floor !== 'number') {
    throw new QlogTypeError('a group has a name and a floor')
  }
  const settings = {
    ...(typeof leasedMax === 'number' && { leasedMax }),
    ...(typeof promoteAfterMs === 'number' && { promoteAfterMs }),
  }
  return { group, floor, settings, fromId: null, states: [] }
}

function messageOf(line: Readonly<Record<string, unknown>>): Message {
  const { offset, body, bodyBase64, put, groups = {} } = line
  if (typeof offset !== 'number' || typeof put !== 'object' || put === null) {
    throw new QlogTypeError('a message has an offset, and what its put says')
  }
  if (typeof groups !== 'object' || groups === null) {
    throw new QlogTypeError('groups of a message are an object')
  }
  const bytes = bodyOf(body, bodyBase64)
  // What the put and the states say, the store checks.
  const row = { bytes: bytes.length, put: put as ImportRow['put'] }
  return { row, body: bytes, offset, groups: groups as States }
}

function bodyOf(body: unknown, bodyBase64: unknown): Uint8Array {
  if (typeof body === 'string') return Buffer.from(body)
  if (typeof bodyBase64 !== 'string') throw new QlogTypeError('a message has a body')
  const bytes = Buffer.from(bodyBase64, 'base64')
  // What is no base64 is skipped over without a word.
  if (bytes.toString('base64') === bodyBase64) return bytes
  throw new QlogTypeError('bodyBase64 is no base64')
}
