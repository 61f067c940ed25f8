/**
 * An outbox beside a database: a transaction of qlog cannot hold your tables, so the message is first a row,
 * written together with the data it tells of, and a relay moves rows into the queue. The id of a row is the
 * key of its put: a relay that dies between put and delete does no harm.
 *
 * `Database` stands in for SQLite, with a file that is replaced as a whole; beside each method stands what
 * it would be there. (node:sqlite needs a newer Node than qlog does.)
 */
import { mkdtemp, open, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from 'qlog'

/** Longer than any pause of the relay: afterwards the key is forgotten, and the row would be put again. */
const KEY_WINDOW_MS = 7 * 86_400_000

class Database {
  #path
  #content = { orders: [], outbox: [], nextRow: 1 }

  constructor(path) {
    this.#path = path
  }

  async open() {
    this.#content = JSON.parse(
      await readFile(this.#path, 'utf8').catch(() => JSON.stringify(this.#content)),
    )
  }

  /** BEGIN; INSERT INTO orders ...; INSERT INTO outbox (body) VALUES (?); COMMIT */
  async placeOrder(order) {
    const { orders, outbox, nextRow } = this.#content
    const row = { id: nextRow, body: `order: ${order}` }
    const changed = { orders: [...orders, order], outbox: [...outbox, row], nextRow: nextRow + 1 }
    await this.#commit(changed)
  }

  /** SELECT id, body FROM outbox ORDER BY id LIMIT ? */
  rows(limit) {
    return this.#content.outbox.slice(0, limit)
  }

  /** DELETE FROM outbox WHERE id <= ? */
  async deleteRows(lastId) {
    const outbox = this.#content.outbox.filter(({ id }) => id > lastId)
    await this.#commit({ ...this.#content, outbox })
  }

  async #commit(content) {
    const file = await open(`${this.#path}.new`, 'w')
    try {
      await file.writeFile(JSON.stringify(content))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(`${this.#path}.new`, this.#path)
    this.#content = content
  }
}

/** Puts what stands in the outbox, then deletes it there: each row at least once, and by its key not twice. */
async function relay(database, queue, { diesBeforeDelete = false } = {}) {
  for (;;) {
    const rows = database.rows(100)
    if (rows.length === 0) return
    const results = await queue.putMany(
      rows.map(({ id, body }) => ({ body, key: `outbox-${id}`, keyWindowMs: KEY_WINDOW_MS })),
    )
    const duplicates = results.filter(({ duplicate }) => duplicate).length
    console.log(`relayed ${rows.length} rows, ${duplicates} of them were there already`)
    if (diesBeforeDelete) return console.log('the relay dies before it deletes them')
    await database.deleteRows(rows[rows.length - 1].id)
  }
}

const directory = await mkdtemp(join(tmpdir(), 'qlog-'))
const store = await openStore(join(directory, 'queue'))
try {
  const database = new Database(join(directory, 'shop.json'))
  await database.open()
  await database.placeOrder('3 pears')
  await database.placeOrder('1 melon')
  const orders = store.queue('orders')
  await relay(database, orders, { diesBeforeDelete: true })
  await database.placeOrder('12 plums')
  await relay(database, orders)
  console.log('in the queue:', store.stats().messages, 'in the outbox:', database.rows(100).length)
} finally {
  await store.close()
  await rm(directory, { recursive: true })
}
