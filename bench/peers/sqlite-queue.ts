/**
 * A queue as people make it of SQLite: a table of rows in WAL mode, rows in, the oldest rows out and deleted.
 * What the contenders over better-sqlite3 have in common; opens a file where it is told.
 */

import { needBody } from './needed-body.ts'
import { missing, requirePeer } from './packages.ts'

/** The part of better-sqlite3 that is used. */
interface Statement {
  run(...values: unknown[]): unknown
  all(...values: unknown[]): unknown[]
}

export interface Database {
  pragma(text: string, options?: { readonly simple: boolean }): unknown
  exec(text: string): unknown
  prepare(text: string): Statement
  transaction<T>(body: (run: () => T) => T): (run: () => T) => T
  close(): void
}

export interface Sqlite {
  readonly open: (file: string) => Database
  readonly version: string
}

const PACKAGE = 'better-sqlite3'
const SCHEMA =
  'CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT'

export async function loadSqlite(): Promise<Sqlite> {
  const { exports, version } = await requirePeer(PACKAGE)
  const Made = exports as new (file: string) => Database
  try {
    // The addon itself is loaded by the first one.
    const database = new Made(':memory:')
    const [{ of }] = database.prepare('SELECT sqlite_version() AS of').all() as [{ of: string }]
    database.close()
    return { open: (file) => new Made(file), version: `${version}, SQLite ${of}` }
  } catch (error) {
    throw missing(PACKAGE, error)
  }
}

export class SqliteQueue {
  readonly #database: Database
  readonly #insert: Statement
  readonly #read: Statement
  readonly #remove: Statement
  readonly #transaction: (run: () => number) => number

  constructor(database: Database, synchronous: 'FULL' | 'NORMAL') {
    database.pragma('journal_mode = WAL')
    database.pragma(`synchronous = ${synchronous}`)
    database.exec(SCHEMA)
    this.#database = database
    this.#insert = database.prepare('INSERT INTO messages (body) VALUES (?)')
    // One DELETE behind the read: RETURNING, and a DELETE for each id, are slower.
    this.#read = database.prepare('SELECT id, body FROM messages ORDER BY id LIMIT ?')
    this.#remove = database.prepare('DELETE FROM messages WHERE id <= ?')
    this.#transaction = database.transaction((run) => run())
  }

  /** A transaction by itself, unless one is open. */
  put(body: Uint8Array): void {
    this.#insert.run(body)
  }

  /** To be called in a transaction: the rows that are read are those that are removed. */
  take(count: number): number {
    const rows = this.#read.all(count) as { id: number; body: unknown }[]
    for (const { body } of rows) needBody(body)
    const last = rows.at(-1)
    if (last !== undefined) this.#remove.run(last.id)
    return rows.length
  }

  inTransaction(run: () => number): number {
    return this.#transaction(run)
  }

  close(): void {
    this.#database.close()
  }
}
