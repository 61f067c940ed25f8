/** What a reply promises is on disk when it leaves; what could not be done is told. */
import { describe, expect, test } from 'vitest'
import { openStore, type Store } from '../../../src/index.ts'
import { realSystem } from '../../../src/system/real/real-system.ts'
import { MemoryMedium, openMemoryLog } from '../../../src/testing/index.ts'
import { openSlowLog, type SlowLog } from '../../../src/testing/slow-log.ts'
import { Server } from './peer.ts'

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8]

/** A store on a log that takes its time, and what is on its disk after a crash at this very moment. */
async function slow(seed: number, options: { failChance?: number } = {}) {
  const medium = new MemoryMedium()
  const system = realSystem()
  let log: SlowLog | undefined
  const open = openSlowLog(system, medium, { seed, delayMsMin: 5, delayMsMax: 10, ...options })
  const store = await openStore(async (owner, signal) => {
    log = await open(owner, signal)
    return log
  })
  const afterCrash = async (): Promise<Store> => {
    medium.crash()
    return openStore(openMemoryLog(system, medium))
  }
  return { server: new Server(store), store, afterCrash, log: () => log }
}

describe('when the reply leaves', () => {
  test.each(SEEDS)('STORED: the message is durable, and so is its group, seed %i', async (seed) => {
    const { server, afterCrash } = await slow(seed)
    const one = server.peer()
    one.wire.send('set q 7 0 1\r\nx\r\n')
    expect(await one.next('STORED\r\n')).toBe('STORED\r\n')
    const store = await afterCrash()
    expect(store.queue('q').stats()).toMatchObject({ messages: 1, groups: [{ group: 'default' }] })
    const [message] = await store.queue('q').read()
    expect(message?.headers).toEqual({ flags: '7' })
    await store.close()
  })

  test.each(SEEDS)(
    'VALUE of a plain read: the message is durably finished, seed %i',
    async (seed) => {
      const { server, afterCrash } = await slow(seed)
      const one = server.peer()
      await one.ask('set q 0 0 1\r\nx\r\n')
      one.wire.send('get q\r\n')
      expect(await one.wire.text(18)).toContain('VALUE q 0 1\r\nx\r\n')
      const store = await afterCrash()
      expect(store.queue('q').stats().messages).toBe(0)
      await store.close()
    },
  )

  test.each(SEEDS)('VALUE of an open read: the message comes again, seed %i', async (seed) => {
    const { server, afterCrash } = await slow(seed)
    const one = server.peer()
    await one.ask('set q 0 0 1\r\nx\r\n')
    expect(await one.ask('get q/open\r\n')).toContain('x')
    const store = await afterCrash()
    expect(store.queue('q').stats().messages).toBe(1)
    await store.close()
  })

  test.each(SEEDS)('END of a close: the message is durably finished, seed %i', async (seed) => {
    const { server, afterCrash } = await slow(seed)
    const one = server.peer()
    await one.ask('set q 0 0 1\r\nx\r\nget q/open\r\n')
    one.wire.send('get q/close\r\n')
    expect(await one.next('END\r\n')).toBe('END\r\n')
    const store = await afterCrash()
    expect(store.queue('q').stats().messages).toBe(0)
    await store.close()
  })
})

describe('what could not be done', () => {
  test('is never STORED where the flush fails', async () => {
    const { server } = await slow(1, { failChance: 1 })
    const one = server.peer()
    expect(await one.ask('set q 0 0 1\r\nx\r\n')).toMatch(/^SERVER_ERROR /)
    expect(await one.ask('set q 0 0 1 noreply\r\nx\r\n')).toBe('')
    expect(await one.ask('set q 0 0 1\r\nx\r\n')).toBe(
      'SERVER_ERROR the log has failed: nothing is taken any more\r\n',
    )
    for (const command of [
      'get q',
      'get q/open',
      'get q/peek',
      'delete q',
      'flush q',
      'flush_all',
    ]) {
      expect(await one.ask(`${command}\r\n`), command).toMatch(/^SERVER_ERROR /)
    }
  })

  test('is NOT_STORED where the queue has no room', async () => {
    const { server, store } = await slow(1)
    await store.queue('q').configure({ messagesMax: 1 })
    const one = server.peer()
    expect(await one.ask('set q 0 0 1\r\nx\r\nset q 0 0 1\r\ny\r\n')).toBe(
      'STORED\r\nNOT_STORED\r\n',
    )
    await store.close()
  })

  test('is told where the disk is full, and goes on when there is room', async () => {
    const { server, store, log } = await slow(1)
    const one = server.peer()
    await one.ask('set q 0 0 1\r\nx\r\n')
    log()?.setFull(true)
    expect(await one.ask('set q 0 0 1\r\ny\r\n')).toBe('SERVER_ERROR the disk is full\r\n')
    log()?.setFull(false)
    expect(await one.ask('set q 0 0 1\r\ny\r\n')).toBe('STORED\r\n')
    await store.close()
  })

  test('is told where the store takes no message of this size', async () => {
    const { server, store } = await slow(1)
    const one = server.peer()
    expect(await one.ask(`set q 0 0 60000\r\n${'x'.repeat(60_000)}\r\n`)).toBe(
      'SERVER_ERROR object too large for cache\r\n',
    )
    await store.close()
  })
})

describe('many puts of one connection', () => {
  test('are under way together, up to a number, and are answered in order', async () => {
    const { server, store } = await slow(1)
    const one = server.peer()
    const sent = Array.from({ length: 3_000 }, (_, at) => `set q 0 0 4\r\n${1_000 + at}\r\n`)
    one.wire.send(sent.join(''))
    await one.wire.settled()
    const { inFlightBytes } = store.stats().log
    expect(inFlightBytes).toBeGreaterThan(500 * 4)
    expect(inFlightBytes).toBeLessThan(1_100 * 64)
    const reply = 'STORED\r\n'.repeat(3_000)
    let text = ''
    while (text.length < reply.length) text += await one.wire.text()
    expect(text).toBe(reply)
    const bodies = (await store.queue('q').read({ limit: 3_000 })).map(({ body }) => String(body))
    expect(bodies).toHaveLength(3_000)
    expect(bodies).toEqual([...bodies].sort())
    await store.close()
  })

  test('are begun until their bodies take 4 MiB together', async () => {
    const { server, store } = await slow(1)
    const one = server.peer()
    const put = `set q 0 0 40000\r\n${'x'.repeat(40_000)}\r\n`
    one.wire.send(put.repeat(200))
    await one.wire.settled()
    const taken = 200 * put.length - one.wire.client.intake.length
    expect(taken).toBeGreaterThan(3_900_000)
    expect(taken).toBeLessThan(4_300_000)
    const reply = 'STORED\r\n'.repeat(200)
    let text = ''
    while (text.length < reply.length) text += await one.wire.text()
    expect(text).toBe(reply)
    await store.close()
  })
})
