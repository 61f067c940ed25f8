/**
 * plainjob, a queue of jobs over better-sqlite3, with the settings that it makes itself: WAL and
 * synchronous = 1, which is NORMAL. Jobs are taken one by one with the calls that its own worker makes; what that
 * worker does besides for each job, a look for scheduled ones, is left out.
 */

import { join } from 'node:path'
import { base64Of } from '../body-forms.ts'
import type { Contender, Loaded } from '../contract.ts'
import { needBody } from '../needed-body.ts'
import { requirePeer } from '../packages.ts'
import { type Database, loadSqlite } from '../sqlite-queue.ts'
import { TAKERS } from '../takers.ts'

/** The part of plainjob that is used. */
interface Queue {
  add(type: string, data: unknown): unknown
  addMany(type: string, data: readonly unknown[]): unknown
  getAndMarkJobAsProcessing(type: string): { readonly id: number } | undefined
  getJobById(id: number): { readonly data: string } | undefined
  markJobAsDone(id: number): unknown
  close(): void
}

type Log = (message: string) => void

interface Plainjob {
  better(database: Database): unknown
  defineQueue(options: {
    readonly connection: unknown
    readonly logger: Readonly<Record<'error' | 'warn' | 'info' | 'debug', Log>>
  }): Queue
}

const TYPE = 'bench'

export const PLAINJOB: Contender = {
  id: 'plainjob',
  name: 'plainjob',
  durability: 'kernel',
  settings: 'as it sets itself: WAL, synchronous=1 (NORMAL)',
  notes:
    'Its calls are synchronous. Jobs are taken one by one by the calls of its own worker, without what that does besides, a look for scheduled jobs. Jobs are JSON, so that bodies are base64.',
  source:
    'src/queue.ts of the package: db.pragma("synchronous = 1"), which its README leaves as it is; what that means in WAL mode: https://www.sqlite.org/pragma.html#pragma_synchronous',
  kind: 'embedded',
  shape: 'queue',
  published: {
    what: 'jobs a second, up to; its benchmark has up to 4 processes that work',
    rate: 15_000,
    source: 'https://github.com/justplainstuff/plainjob#readme',
  },
  load: async () => {
    const { exports, version } = await requirePeer('plainjob')
    const sqlite = await loadSqlite()
    return {
      version: `${version} on better-sqlite3 ${sqlite.version}`,
      open: async (directory) => open(exports as Plainjob, sqlite.open(join(directory, 'jobs.db'))),
    }
  },
}

async function open(plainjob: Plainjob, database: Database): ReturnType<Loaded['open']> {
  const queue = plainjob.defineQueue({ connection: plainjob.better(database), logger: QUIET })
  return {
    put: async (body) => {
      queue.add(TYPE, base64Of(body))
    },
    putMany: async (bodies) => {
      queue.addMany(TYPE, bodies.map(base64Of))
    },
    take: async (count) => {
      for (let taken = 0; taken < count; taken++) {
        if (!finishOne(queue)) return taken
      }
      return count
    },
    takers: TAKERS,
    close: async () => queue.close(),
  }
}

function finishOne(queue: Queue): boolean {
  const found = queue.getAndMarkJobAsProcessing(TYPE)
  if (found === undefined) return false
  const job = queue.getJobById(found.id)
  if (job === undefined) throw new Error(`job ${found.id} was marked and is not there`)
  needBody(Buffer.from(JSON.parse(job.data), 'base64'))
  queue.markJobAsDone(found.id)
  return true
}

const toStderr: Log = (message) => void process.stderr.write(`plainjob: ${message}\n`)
const nothing: Log = () => {}
/** By itself it says on stdout what its maintenance found, once a minute. */
const QUIET = { error: toStderr, warn: toStderr, info: nothing, debug: nothing }
