/** A store that closes while something is under way: what was called before gets its outcome, and nothing comes behind. */
import { expect, test } from 'vitest'
import { subscribe } from '../../src/channels.ts'
import type { Group, Queue } from '../../src/index.ts'
import { decodeControl } from '../../src/store/records/control-record.ts'
import type { FileHandle, FileSystem, System } from '../../src/system/system.ts'
import { codeOf } from '../../src/testing/store-suite/checks.ts'
import { SimulatedGround } from './space/simulated-ground.ts'

const DISK_MS = 100
const WRITES: readonly PropertyKey[] = ['write', 'writeMany', 'flush']

/** A store on a disk whose writes and reads take so much longer. */
class SlowDisk extends SimulatedGround {
  writeMs = 0
  readMs = 0

  protected override system(): System {
    const process = super.system()
    const { clock, sockets, identity, crc32, lz4, random, watchLoop, warn } = process
    const own = { clock, sockets, identity, crc32, lz4, random, watchLoop, warn }
    return { ...own, files: this.#slowed(process.files) }
  }

  #slowed(files: FileSystem): FileSystem {
    return changed(files, ['open'], (open) => async (...words) => {
      const handle = (await open(...words)) as FileHandle
      const reading = changed(handle, ['read'], (read) => async (...bytes) => {
        if (this.readMs > 0) await this.pass(this.readMs)
        return read(...bytes)
      })
      return changed(reading, WRITES, (write) => async (...bytes) => {
        if (this.writeMs > 0) await this.pass(this.writeMs)
        return write(...bytes)
      })
    })
  }
}

type Method = (...words: unknown[]) => unknown

/** The same object but for these methods. */
function changed<T extends object>(
  of: T,
  names: readonly PropertyKey[],
  change: (method: Method) => Method,
): T {
  return new Proxy(of, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      const method: Method = value.bind(target)
      return names.includes(name) ? change(method) : method
    },
  })
}

function outcomeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => 'done', codeOf)
}

test('close with a time that is over fails no log beside an ack, and what is written behind it is done', async () => {
  const failures: Error[] = []
  const unsubscribe = subscribe('qlog:log-failed', ({ error }) => failures.push(error))
  const ground = new SlowDisk(5, {})
  try {
    await ground.run(async () => {
      await ground.open()
      const queue = ground.store.queue('q')
      await queue.putMany(['a', 'b', 'c'])
      const session = ground.store.session()
      await session.watch('q')
      const [delivery] = await session.reserve()
      await ground.pass(200)
      ground.writeMs = DISK_MS
      const ack = outcomeOf(delivery?.ack() ?? Promise.reject(new Error('nothing is there')))
      await ground.pass(DISK_MS / 5)
      const put = outcomeOf(queue.put('behind'))
      await ground.pass(1)
      const closed = outcomeOf(ground.store.close({ timeoutMs: DISK_MS / 2 }))
      expect([await ack, await put, await closed]).toEqual(['done', 'done', 'done'])
      ground.writeMs = 0
      await ground.open()
      expect(ground.store.queue('q').stats().messages).toBe(3)
      await ground.close()
    })
  } finally {
    unsubscribe()
  }
  expect(failures).toEqual([])
})

/** Kinds of the control records that stand in the log, in order. */
async function recorded(ground: SlowDisk): Promise<string[]> {
  const kinds: string[] = []
  for await (const entries of ground.log.read({ after: 0 })) {
    for (const { control } of entries) kinds.push(...control.map((one) => decodeControl(one).kind))
  }
  return kinds
}

type Verb = (queue: Queue, group: Group, ids: readonly number[]) => Promise<unknown>

test.each<[string, Verb]>([
  ['delete', (queue, _, ids) => queue.delete(ids.slice(1))],
  ['kick', (_, group, ids) => group.kick(ids.slice(0, 1))],
  ['seek', (_, group, ids) => group.seek({ id: ids[1] ?? 0 })],
  ['createGroup', (queue, _, ids) => queue.createGroup('late', { from: { id: ids[1] ?? 0 } })],
])('nothing is written behind the record that says that this was all: %s', async (_, verb) => {
  const ground = new SlowDisk(1, {})
  await ground.run(async () => {
    await ground.open()
    const puts = await ground.store.queue('q').putMany(['a', 'b', 'c'])
    const session = ground.store.session()
    await session.watch('q')
    for (const delivery of await session.reserve()) await delivery.bury()
    await ground.close()
    await ground.open()
    const { store } = ground
    const queue = store.queue('q')
    await queue.put('this opening writes')
    ground.writeMs = DISK_MS
    ground.readMs = DISK_MS / 5
    const ids = puts.map(({ id }) => id)
    const put = outcomeOf(queue.put('on its way'))
    const outcome = outcomeOf(verb(queue, queue.group(), ids))
    const closed = outcomeOf(store.close())
    expect([await put, await outcome, await closed]).toEqual(['done', 'QLOG_CLOSED', 'done'])
    ground.writeMs = 0
    await ground.open()
    expect((await recorded(ground)).at(-1)).toBe('close')
    await ground.close()
  })
})
