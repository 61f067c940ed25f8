/**
 * The peer: better-sqlite3 with the same guarantee (WAL, synchronous=FULL), as a table of messages. It is
 * no dependency of qlog: it is taken from the folder named by QLOG_SQLITE_DIR, outside of this tree, in
 * which `npm install better-sqlite3` was run.
 */

import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { makeBodies } from '../../src/measure/driver.ts'
import { MESSAGE_BYTES } from './scale.ts'

/** The part of better-sqlite3 that is used. */
interface Statement {
  run(...values: unknown[]): unknown
  all(...values: unknown[]): unknown[]
}

interface Database {
  pragma(text: string): unknown
  exec(text: string): unknown
  prepare(text: string): Statement
  transaction(body: (count: number) => number): (count: number) => number
  close(): void
}

const PACKAGE = 'better-sqlite3'
const SCHEMA =
  'CREATE TABLE messages (id INTEGER PRIMARY KEY, priority INTEGER NOT NULL, body BLOB NOT NULL)'

/** Makes databases, or says in words why there are none. Any failure to load counts. */
export function loadSqlite(): ((file: string) => Database) | string {
  try {
    const loaded: unknown = requireInFolder()(PACKAGE)
    if (typeof loaded !== 'function') return 'better-sqlite3 has another shape than expected'
    const open = (file: string): Database => Reflect.construct(loaded, [file])
    // The addon itself is loaded by the first one.
    open(':memory:').close()
    return open
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n')
    return reason ?? 'no reason given'
  }
}

/** What a result says of it; undefined, and aloud why, where it is not there. */
export function describePeer(): string | undefined {
  const open = loadSqlite()
  if (typeof open === 'string') {
    process.stderr.write(`bench: ${PACKAGE} is left out, and every ratio to it: ${open}\n`)
    return undefined
  }
  const { version } = Object(requireInFolder()(`${PACKAGE}/package.json`))
  return `${PACKAGE} ${version}, WAL, synchronous=FULL`
}

function requireInFolder(): NodeJS.Require {
  const folder = process.env['QLOG_SQLITE_DIR']
  if (folder === undefined) throw new Error('QLOG_SQLITE_DIR names no folder')
  return createRequire(join(resolve(folder), 'package.json'))
}

/** A queue as people make it of SQLite: rows in, rows out and deleted, many in one transaction. */
export class Peer {
  readonly #database: Database
  readonly #insert: (count: number) => number
  readonly #take: (count: number) => number

  constructor(open: (file: string) => Database, file: string) {
    const bodies = makeBodies({ batch: 1024, messageBytes: MESSAGE_BYTES })
    const database = open(file)
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    database.exec(SCHEMA)
    const insert = database.prepare('INSERT INTO messages (priority, body) VALUES (0, ?)')
    // The fastest of the ways tried: RETURNING, and a DELETE for each id, are slower.
    const read = database.prepare('SELECT id, body FROM messages ORDER BY id LIMIT ?')
    const remove = database.prepare('DELETE FROM messages WHERE id <= ?')
    this.#database = database
    this.#insert = database.transaction((count) => {
      for (let i = 0; i < count; i++) insert.run(bodies[i % bodies.length])
      return count
    })
    this.#take = database.transaction((count) => {
      const rows = read.all(count)
      remove.run(Reflect.get(Object(rows.at(-1)), 'id'))
      return rows.length
    })
  }

  /** Seconds that it took. */
  insert(messages: number, batch: number): number {
    return timed(messages, batch, this.#insert)
  }

  take(messages: number, batch: number): number {
    return timed(messages, batch, this.#take)
  }

  close(): void {
    this.#database.close()
  }
}

function timed(messages: number, batch: number, call: (count: number) => number): number {
  const started = performance.now()
  for (let left = messages; left > 0; left -= batch) {
    const count = Math.min(batch, left)
    if (call(count) !== count) throw new Error('the peer has fewer messages than were put')
  }
  return (performance.now() - started) / 1000
}
