/** A connection of the frame: turns, answers, backpressure, time-outs, the end. */
import { describe, expect, test } from 'vitest'
import { LISTEN_LIMITS } from '../../../src/server/listen/limits.ts'
import { soon } from '../../../src/system/soon.ts'
import { fakeClient } from '../../../src/testing/fake-client.ts'
import { LineProtocol } from './line-protocol.ts'

const KIB = 1024

describe('turns', () => {
  test('all answers of a turn go out as one write', async () => {
    const peer = fakeClient(new LineProtocol())
    peer.send('a\r\nb\r\necho 3\r\nxyz\r\nc\r\n')
    await peer.settled()
    expect(peer.writes).toBe(1)
    expect(peer.takeText()).toBe('GOT a\r\nGOT b\r\nxyz\r\nGOT c\r\n')
  })

  test('bytes one by one and all at once are answered alike', async () => {
    const script = `a\r\necho 70000\r\n${'z'.repeat(70_000)}\r\nb\r\necho 0\r\n\r\nquit\r\n`
    const atOnce = fakeClient(new LineProtocol())
    atOnce.send(script)
    await atOnce.ended()
    const oneByOne = fakeClient(new LineProtocol())
    for (const byte of script) oneByOne.send(byte)
    await oneByOne.ended()
    const text = atOnce.takeText()
    expect(text.length).toBeGreaterThan(70_000)
    expect(oneByOne.takeText() === text).toBe(true)
  })

  test('what stands behind a command that waits is answered after it', async () => {
    const protocol = new LineProtocol()
    const peer = fakeClient(protocol)
    peer.send('wait\r\na\r\nb\r\n')
    await peer.settled()
    expect(peer.takeText()).toBe('')
    protocol.last.answer()
    await peer.settled()
    expect(peer.takeText()).toBe('ANSWER\r\nGOT a\r\nGOT b\r\n')
  })

  test('a mistake in the protocol ends this connection, and is told', async () => {
    const protocol = new LineProtocol()
    const peer = fakeClient(protocol)
    peer.send('boom\r\n')
    await peer.ended()
    await peer.settled()
    expect(peer.errors.map((error) => error.message)).toEqual(['a mistake'])
    expect(peer.endedBy).toBe('failed')
    expect(protocol.last.closings).toBe(1)
  })
})

describe('a turn of the event loop', () => {
  /** Two connections of one listener, and a clock that a `look` of the first moves on. */
  function two(lookMs: number) {
    const protocol = new LineProtocol()
    let nowMs = 0
    let breaks = 0
    const clock = {
      soon,
      afterEvents: (callback: () => void): void => {
        breaks += 1
        setImmediate(callback)
      },
      monotonicMs: () => nowMs,
    }
    const peer = fakeClient(protocol, { clock })
    const { last } = protocol
    last.onLook = () => {
      nowMs += lookMs
    }
    const other = fakeClient(protocol, { clock, beside: peer })
    return { peer, other, looks: () => last.taken.length, breaks: () => breaks }
  }
  const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

  test('ends though a connection has sent more that takes long, and others are served', async () => {
    const { peer, other, looks } = two(4)
    peer.send('look\r\n'.repeat(100))
    let turns = 0
    for (let before = 0; looks() < 100; before = looks()) {
      await nextTurn()
      turns += 1
      expect(looks() - before).toBeLessThanOrEqual(4)
      other.send('a\r\n')
      await new Promise<void>((resolve) => soon(() => soon(resolve)))
      expect(other.takeText()).toBe('GOT a\r\n')
    }
    expect(turns).toBeGreaterThanOrEqual(25)
    await peer.settled()
    expect(peer.takeText()).toBe('ANSWER\r\n'.repeat(100))
  })

  test('is enough for any number of commands that take no time', async () => {
    const { peer, looks, breaks } = two(0)
    peer.send('look\r\n'.repeat(1_000))
    await nextTurn()
    expect(looks()).toBe(1_000)
    expect(breaks()).toBe(1)
  })
})

describe('backpressure', () => {
  test('a reader that takes nothing keeps no more than the limit and one answer', async () => {
    const protocol = new LineProtocol()
    const peer = fakeClient(protocol)
    peer.reads = false
    peer.send('fill 20000000\r\na\r\n')
    await peer.settled()
    expect(peer.waitingBytes).toBeGreaterThan(LISTEN_LIMITS.outputBytesMax)
    expect(peer.waitingBytes).toBeLessThanOrEqual(LISTEN_LIMITS.outputBytesMax + 64 * KIB)
    expect(peer.isPaused).toBe(true)
    const { advances } = protocol.last
    peer.send('b\r\n')
    protocol.last.client.wake()
    await peer.settled()
    expect(protocol.last.advances).toBe(advances)
    peer.reads = true
    const last = 'GOT a\r\nGOT b\r\n'
    const text = await peer.text(20_000_000 + last.length)
    expect(text.endsWith(`x${last}`)).toBe(true)
    expect(peer.isPaused).toBe(false)
  })

  test('reads no further while a conversation takes nothing', async () => {
    const protocol = new LineProtocol()
    const peer = fakeClient(protocol, { limits: { intakeBytesMax: KIB } })
    peer.send('wait\r\n')
    peer.send('a\r\n'.repeat(300))
    expect(peer.isPaused).toBe(false)
    peer.send('b\r\n'.repeat(100))
    expect(peer.isPaused).toBe(true)
    protocol.last.answer()
    await peer.settled()
    expect(peer.isPaused).toBe(false)
    expect(protocol.last.taken).toHaveLength(401)
  })

  test('reads on for a body that is longer than the intake', () => {
    const protocol = new LineProtocol()
    const peer = fakeClient(protocol, { limits: { intakeBytesMax: KIB } })
    peer.send('echo 5000\r\n')
    for (let sent = 0; sent < 5_000; sent += 500) {
      expect(peer.isPaused).toBe(false)
      peer.send('x'.repeat(500))
    }
    peer.send('\r\n')
    expect(protocol.last.taken).toEqual(['echo 5000', 'body 5000'])
  })

  test('a body that is larger than all the room comes in where it is alone', async () => {
    const limits = { intakeBytesMax: KIB, largeBodyBytes: 2 * KIB, largeBodiesBytesMax: KIB }
    const peer = fakeClient(new LineProtocol(), { limits })
    peer.send('echo 3000\r\n')
    expect(peer.isPaused).toBe(false)
    peer.send(`${'x'.repeat(3_000)}\r\n`)
    expect((await peer.text(3_002)).length).toBe(3_002)
  })

  test('reads on behind a command that may wait for ever, as far as limits allow', async () => {
    const limits = {
      intakeBytesMax: KIB,
      behindWaitBytesMax: 3 * KIB,
      behindWaitsBytesMax: 4 * KIB,
    }
    const protocol = new LineProtocol()
    const one = fakeClient(protocol, { limits })
    const two = fakeClient(protocol, { limits, beside: one })
    const lines = 'ab\r\n'.repeat(KIB / 4)
    for (const peer of [one, two]) peer.send('wait\r\n')
    for (const conversation of protocol.conversations) conversation.isWaiting = true
    for (let at = 0; at < 3; at += 1) {
      one.send(lines)
      expect(one.isPaused).toBe(false)
    }
    one.send(lines)
    expect(one.isPaused).toBe(true)
    // All connections together have less than twice as much.
    two.send(lines)
    expect(two.isPaused).toBe(false)
    two.send(lines)
    expect(two.isPaused).toBe(true)
    // What has left gives back what it had.
    one.hangUp()
    await one.settled()
    two.pass(1_000)
    expect(two.isPaused).toBe(false)
    two.end()
    expect(protocol.conversations[1]?.client.intake.ended).toBe(true)
  })
})

describe('the end', () => {
  test('a half-closed peer gets its answers, then the end', async () => {
    const protocol = new LineProtocol()
    const peer = fakeClient(protocol)
    peer.send('a\r\nwait\r\n')
    peer.end()
    await peer.settled()
    expect(peer.takeText()).toBe('GOT a\r\n')
    expect(peer.hasEnded).toBe(false)
    protocol.last.answer()
    await peer.ended()
    expect(peer.takeText()).toBe('ANSWER\r\n')
    await peer.settled()
    expect(protocol.last.closings).toBe(1)
  })

  test('a half command of a half-closed peer is dropped', async () => {
    const peer = fakeClient(new LineProtocol())
    peer.send('a\r\nhal')
    peer.end()
    await peer.ended()
    expect(peer.takeText()).toBe('GOT a\r\n')
  })

  test('after end() nothing is taken, and what was written goes out', async () => {
    const protocol = new LineProtocol()
    const peer = fakeClient(protocol)
    peer.send('a\r\nquit\r\nb\r\n')
    expect(protocol.last.client.intake.length).toBe(0)
    peer.send('c\r\n')
    await peer.ended()
    expect(peer.takeText()).toBe('GOT a\r\n')
    expect(protocol.last.taken).toEqual(['a', 'quit'])
    peer.pass(1_999)
    await peer.settled()
    expect(peer.isGone).toBe(false)
    peer.pass(1)
    await peer.settled()
    expect(protocol.last.closings).toBe(1)
  })

  test('destroy() ends at once, and closed() follows once', async () => {
    const protocol = new LineProtocol()
    const peer = fakeClient(protocol)
    peer.send('a\r\n')
    protocol.last.client.destroy()
    protocol.last.client.destroy()
    expect(protocol.last.closings).toBe(0)
    await peer.settled()
    expect(protocol.last.closings).toBe(1)
    expect(peer.takeText()).toBe('')
    protocol.last.client.write('late')
    protocol.last.client.wake()
    await peer.settled()
    expect(peer.takeText()).toBe('')
  })

  test('a protocol says why it refuses a peer', async () => {
    const protocol = new LineProtocol()
    const peer = fakeClient(protocol)
    peer.send('a\r\n')
    protocol.last.client.end('unauthorized')
    await peer.ended()
    expect(peer.takeText()).toBe('GOT a\r\n')
    expect(peer.endedBy).toBe('unauthorized')
  })

  test('a stop answers what was accepted', async () => {
    const protocol = new LineProtocol()
    const busy = fakeClient(protocol)
    busy.send('wait\r\na\r\n')
    const idle = fakeClient(protocol)
    busy.stop()
    idle.stop()
    await idle.ended()
    expect(busy.hasEnded).toBe(false)
    expect(busy.isPaused).toBe(true)
    protocol.conversations[0]?.answer()
    await busy.ended()
    expect(busy.takeText()).toBe('ANSWER\r\n')
  })
})

describe('time-outs', () => {
  const second = 1_000

  test('a command that does not get complete ends its connection', async () => {
    const peer = fakeClient(new LineProtocol())
    for (let at = 0; at < 29; at += 1) {
      peer.send('x')
      peer.pass(second)
    }
    expect(peer.endedBy).toBe(undefined)
    peer.send('x')
    peer.pass(second)
    expect(peer.endedBy).toBe('half-command')
  })

  test('a body may take longer, as long as its bytes need', async () => {
    const peer = fakeClient(new LineProtocol())
    peer.send(`echo ${80 * 8 * KIB - 2}\r\n`)
    for (let at = 0; at < 110; at += 1) peer.pass(second)
    expect(peer.endedBy).toBe(undefined)
    peer.pass(second)
    expect(peer.endedBy).toBe('half-command')
  })

  test('a connection that waits for an answer is not idle, nor what is behind it a half command', async () => {
    const protocol = new LineProtocol()
    const peer = fakeClient(protocol, { idleTimeoutMs: 10_000 })
    peer.send('wait\r\na\r\n')
    for (let at = 0; at < 1_000; at += 1) peer.pass(second)
    expect(peer.endedBy).toBe(undefined)
    protocol.last.answer()
    await peer.settled()
    for (let at = 0; at < 11; at += 1) peer.pass(second)
    expect(peer.endedBy).toBe('idle')
  })

  test('a peer that takes no answer is ended', async () => {
    const peer = fakeClient(new LineProtocol())
    peer.reads = false
    peer.send('a\r\n')
    await peer.settled()
    for (let at = 0; at < 119; at += 1) peer.pass(second)
    expect(peer.endedBy).toBe(undefined)
    peer.pass(second)
    expect(peer.endedBy).toBe('takes-nothing')
  })

  test('a stranger has ten seconds to show a token, whatever it sends', async () => {
    const protocol = new LineProtocol()
    const [silent, busy] = [fakeClient(protocol), fakeClient(protocol)]
    for (const conversation of protocol.conversations) conversation.isUnknown = true
    busy.send('wait\r\n')
    for (let at = 0; at < 9; at += 1) {
      busy.send('a\r\n')
      for (const peer of [silent, busy]) peer.pass(second)
    }
    expect([silent.endedBy, busy.endedBy]).toEqual([undefined, undefined])
    for (const peer of [silent, busy]) peer.pass(second)
    expect([silent.endedBy, busy.endedBy]).toEqual(['unauthorized', 'unauthorized'])
    await silent.settled()
    expect(protocol.conversations.map(({ closings }) => closings)).toEqual([1, 1])
  })

  test('who has shown a token in time may be silent for ever', () => {
    const protocol = new LineProtocol()
    const peer = fakeClient(protocol)
    protocol.last.isUnknown = true
    for (let at = 0; at < 9; at += 1) peer.pass(second)
    protocol.last.isUnknown = false
    for (let day = 0; day < 1_000; day += 1) peer.pass(86_400_000)
    expect(peer.endedBy).toBe(undefined)
  })

  test('without an idle time-out a silent connection stays', () => {
    const peer = fakeClient(new LineProtocol())
    for (let day = 0; day < 1_000; day += 1) peer.pass(86_400_000)
    expect(peer.endedBy).toBe(undefined)
  })
})
