/** A store that closes while something is under way: what was called before gets its outcome, and nothing comes behind. */
import { expect, test } from 'vitest'
import { subscribe } from '../../src/channels.ts'
import type { FileHandle, FileSystem, System } from '../../src/system/system.ts'
import { codeOf } from '../../src/testing/store-suite/checks.ts'
import { SimulatedGround } from './space/simulated-ground.ts'

const DISK_MS = 100
const WRITES: readonly PropertyKey[] = ['write', 'writeMany', 'flush']

/** A store on a disk whose writes take their time, once they are told to. */
class SlowDisk extends SimulatedGround {
  isSlow = false

  protected override system(): System {
    const process = super.system()
    const { clock, sockets, identity, crc32, lz4, random, watchLoop, warn } = process
    const own = { clock, sockets, identity, crc32, lz4, random, watchLoop, warn }
    return { ...own, files: this.#slowed(process.files) }
  }

  #slowed(files: FileSystem): FileSystem {
    return changed(files, ['open'], (open) => async (...words) => {
      const handle = (await open(...words)) as FileHandle
      return changed(handle, WRITES, (write) => async (...bytes) => {
        if (this.isSlow) await this.pass(DISK_MS)
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
      ground.isSlow = true
      const ack = outcomeOf(delivery?.ack() ?? Promise.reject(new Error('nothing is there')))
      await ground.pass(DISK_MS / 5)
      const put = outcomeOf(queue.put('behind'))
      await ground.pass(1)
      const closed = outcomeOf(ground.store.close({ timeoutMs: DISK_MS / 2 }))
      expect([await ack, await put, await closed]).toEqual(['done', 'done', 'done'])
      ground.isSlow = false
      await ground.open()
      expect(ground.store.queue('q').stats().messages).toBe(3)
      await ground.close()
    })
  } finally {
    unsubscribe()
  }
  expect(failures).toEqual([])
})
