/**
 * lmdb (lmdb-js) as a queue: increasing integer keys; a take reads the lowest ones and removes them in one
 * transaction. Its promise of a put resolves when the put is committed and others see it; that it is on the disk
 * is the second promise, `flushed`, and that one is waited for here.
 *
 * Tried, and no faster by more than the spread: `append: true` for keys that only rise, and takes by a `getRange`
 * and removals of one turn of the event loop instead of a transaction.
 */

import type { Contender, Loaded } from '../contract.ts'
import { needBody } from '../needed-body.ts'
import { requirePeer } from '../packages.ts'
import { TAKERS } from '../takers.ts'

/** The part of lmdb that is used. */
interface Written extends Promise<boolean> {
  /** With `separateFlushed`: when it is flushed. */
  readonly flushed: Promise<unknown>
}

interface Database {
  put(key: number, value: Uint8Array): Written
  remove(key: number): unknown
  transaction<T>(body: () => T): Promise<T>
  getRange(range: { readonly limit: number }): Iterable<{ key: number; value: Uint8Array }>
  getKeys(range: { readonly limit: number; readonly reverse: boolean }): Iterable<number>
  /** Resolves when all writes so far are flushed. */
  readonly flushed: PromiseLike<unknown>
  close(): Promise<void>
}

interface Lmdb {
  open(path: string, options: Readonly<Record<string, unknown>>): Database
}

export const LMDB: Contender = {
  id: 'lmdb',
  name: 'lmdb',
  durability: 'flushed',
  settings: "defaults; separateFlushed, encoding: 'binary', keyEncoding: 'uint32'",
  notes:
    'A put and a take are answered when `flushed` is; puts of one turn of the event loop are one transaction, which it does by itself.',
  source:
    'https://github.com/kriszyp/lmdb-js#overlapping-sync-options: "the promise will also have a `flushed` property that holds a second promise that is resolved when the OS reports that the transaction writes has been fully flushed to disk and are truly durable". Of its flags: "the defaults can always be used and are generally recommended"',
  kind: 'embedded',
  shape: 'rows',
  published: {
    what: 'objects encoded and put a second by one thread; whether flushed is not said',
    rate: 500_000,
    source: 'https://github.com/kriszyp/lmdb-js#benchmarks',
  },
  load: async () => {
    const { exports, version } = await requirePeer('lmdb')
    return { version, open: (directory) => open(exports as Lmdb, directory) }
  },
}

async function open(lmdb: Lmdb, directory: string): ReturnType<Loaded['open']> {
  const database = lmdb.open(directory, {
    encoding: 'binary',
    keyEncoding: 'uint32',
    separateFlushed: true,
    // A path with a dot in it would be that of a file.
    noSubdir: false,
  })
  const [last = 0] = database.getKeys({ reverse: true, limit: 1 })
  let next = last + 1
  const takeOldest = (count: number): number => {
    const keys: number[] = []
    for (const { key, value } of database.getRange({ limit: count })) {
      needBody(value)
      keys.push(key)
    }
    for (const key of keys) database.remove(key)
    return keys.length
  }
  let shared: Written | undefined
  let durable: Promise<unknown> = Promise.resolve()
  return {
    put: (body) => {
      const written = database.put(next++, body)
      // Puts of one transaction share one promise, and so they do here.
      if (written !== shared) {
        shared = written
        // First the commit: only it rejects.
        durable = written.then(() => written.flushed)
      }
      return durable
    },
    putMany: async (bodies) => {
      // What is put in one turn of the event loop is one transaction, and its puts share one promise.
      let written: Written | undefined
      for (const body of bodies) written = database.put(next++, body)
      await written
      await written?.flushed
    },
    take: async (count) => {
      const taking = database.transaction(() => takeOldest(count))
      // Asked for in the same turn: it is the flush of this transaction, and not of what others wrote since.
      const flushed = new Promise((resolve, reject) => {
        database.flushed.then(resolve, reject)
      })
      const [taken] = await Promise.all([taking, flushed])
      return taken
    },
    takers: TAKERS,
    close: () => database.close(),
  }
}
