/** Room for large bodies, shared by connections. */
import { describe, expect, test } from 'vitest'
import { BodyPlace, BodyRoom } from '../../../src/server/listen/body-room.ts'
import { LISTEN_LIMITS } from '../../../src/server/listen/limits.ts'
import { type FakeClient, fakeClient } from '../../../src/testing/fake-client.ts'
import { LineProtocol } from './line-protocol.ts'

const KIB = 1024
const MIB = 1024 * KIB
const STEP = 64 * KIB

class Bodies {
  readonly room: BodyRoom
  readonly admitted: string[] = []

  constructor(steps: number) {
    this.room = new BodyRoom(steps * STEP)
  }

  place(name: string): BodyPlace {
    return new BodyPlace(this.room, () => this.admitted.push(name))
  }
}

describe('the room', () => {
  test('is given as bytes come, whatever the length that was declared', () => {
    const bodies = new Bodies(8)
    for (let row = 0; row < 4; row += 1) {
      expect(bodies.place(`${row}`).reach(0, 1_000 * STEP)).toBe(true)
    }
    expect(bodies.room.bytes).toBe(4 * STEP)
  })

  test('its second half is given as whole rests, in the order of the row', () => {
    const bodies = new Bodies(8)
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => bodies.place(name)) as [
      BodyPlace,
      BodyPlace,
      BodyPlace,
      BodyPlace,
    ]
    for (const place of [a, b, c, d]) expect(place.reach(0, 4 * STEP)).toBe(true)
    // The first half is full of beginnings: one rest of three steps is all that the other has room for.
    expect(a.reach(STEP, 4 * STEP)).toBe(true)
    expect(b.reach(STEP, 4 * STEP)).toBe(false)
    expect(c.reach(STEP, 4 * STEP)).toBe(false)
    // It would fit, and passes nobody.
    expect(d.reach(STEP, 2 * STEP)).toBe(false)
    expect(a.reach(2 * STEP, 4 * STEP)).toBe(true)
    expect(bodies.room.bytes).toBe(7 * STEP)
    a.leave()
    // One step came free, and four steps of the rests.
    expect(bodies.admitted).toEqual(['b', 'c', 'd'])
    for (const place of [b, c, d]) place.leave()
    expect(bodies.room.bytes).toBe(0)
    expect(bodies.room.isCrowded).toBe(false)
  })

  test('who gives up waiting holds up nobody', () => {
    const bodies = new Bodies(2)
    const [a, b, c] = ['a', 'b', 'c'].map((name) => bodies.place(name)) as [
      BodyPlace,
      BodyPlace,
      BodyPlace,
    ]
    expect(a.reach(0, 2 * STEP)).toBe(true)
    expect(b.reach(0, STEP)).toBe(true)
    expect(c.reach(0, 9 * STEP)).toBe(false)
    const d = bodies.place('d')
    expect(d.reach(0, STEP)).toBe(false)
    b.leave()
    expect(bodies.admitted).toEqual(['c'])
    c.leave()
    expect(bodies.admitted).toEqual(['c', 'd'])
  })

  test('a rest that is larger than all the room comes in alone', () => {
    const bodies = new Bodies(2)
    const large = bodies.place('large')
    const small = bodies.place('small')
    expect(large.reach(0, 500 * STEP)).toBe(true)
    expect(large.reach(STEP, 500 * STEP)).toBe(true)
    expect(small.reach(0, STEP)).toBe(false)
    large.leave()
    expect(bodies.admitted).toEqual(['small'])
  })

  test('what came unasked is counted, and whoever is whole waits no more', () => {
    const bodies = new Bodies(2)
    const a = bodies.place('a')
    const b = bodies.place('b')
    expect(a.reach(0, 4 * STEP)).toBe(true)
    expect(a.reach(STEP, 4 * STEP)).toBe(true)
    expect(b.reach(0, 2 * STEP)).toBe(false)
    expect(b.reach(2 * STEP, 2 * STEP)).toBe(true)
    expect(bodies.room.isCrowded).toBe(false)
    expect(bodies.room.bytes).toBe(6 * STEP)
  })
})

describe('connections', () => {
  const SECOND = 1_000
  const PIECE = Buffer.alloc(64 * KIB, 'x')

  /** Sends as a socket would: nothing where it is not read. */
  function pump(peer: FakeClient, bytes: number): number {
    let sent = 0
    while (sent < bytes && !peer.isPaused && !peer.isGone) {
      const part = Math.min(PIECE.length, bytes - sent)
      peer.send(PIECE.subarray(0, part))
      sent += part
    }
    return sent
  }

  function crowd(count: number): FakeClient[] {
    const protocol = new LineProtocol()
    const peers: FakeClient[] = []
    for (let row = 0; row < count; row += 1) {
      const [first] = peers
      peers.push(fakeClient(protocol, first === undefined ? {} : { beside: first }))
    }
    return peers
  }

  test('lengths that are only declared, or begun, starve nobody', async () => {
    const peers = crowd(1_001)
    const idle = peers.slice(0, 1_000)
    for (const peer of idle) peer.send(`echo ${MIB}\r\n`)
    for (const peer of idle.slice(0, 500)) pump(peer, 192 * KIB)
    const honest = peers.at(-1) as FakeClient
    honest.send(`echo ${MIB}\r\n`)
    expect(pump(honest, MIB)).toBe(MIB)
    honest.send('\r\n')
    expect((await honest.text(MIB + 2)).length).toBe(MIB + 2)
  })

  test('what is held never exceeds the room, and everybody who sends is answered', async () => {
    const body = 4 * MIB
    const peers = crowd(150)
    const left = new Map(peers.map((peer) => [peer, body + 2]))
    for (const peer of peers) peer.send(`echo ${body}\r\n`)
    let answered = 0
    while (left.size > 0) {
      let moved = 0
      for (const [peer, bytes] of left) {
        // A little of each in turn, so that all bodies are begun before any is whole.
        const sent = pump(peer, Math.min(bytes, 256 * KIB))
        moved += sent
        left.set(peer, bytes - sent)
        expect(peer.roomBytes).toBeLessThanOrEqual(LISTEN_LIMITS.largeBodiesBytesMax)
        if (bytes > sent) continue
        left.delete(peer)
        peer.takeBytes()
        answered += 1
      }
      await peers[0]?.settled()
      expect(moved).toBeGreaterThan(0)
    }
    expect(answered).toBe(150)
    expect(peers[0]?.roomBytes).toBe(0)
  })

  test('who holds room that others wait for, and brings little, is ended soon', async () => {
    const limits = { largeBodiesBytesMax: 4 * MIB }
    const protocol = new LineProtocol()
    const first = fakeClient(protocol, { limits })
    const others = Array.from({ length: 5 }, () => fakeClient(protocol, { limits, beside: first }))
    const stalled = [first, ...others.slice(0, 3)]
    for (const peer of stalled) {
      peer.send(`echo ${2 * MIB}\r\n`)
      pump(peer, MIB)
    }
    const [slow, waiting] = others.slice(3) as [FakeClient, FakeClient]
    for (const peer of [slow, waiting]) peer.send(`echo ${MIB}\r\n`)
    pump(slow, MIB)
    pump(waiting, MIB)
    expect(waiting.isPaused).toBe(true)
    const all = [...stalled, slow, waiting]
    const holders = stalled.filter((peer) => !peer.isPaused)
    expect(holders.length).toBeGreaterThan(0)
    for (let at = 0; at < 6; at += 1) for (const peer of all) peer.pass(SECOND)
    expect(holders[0]?.endedBy).toBe('half-command')
    // Nobody waits any more, so that the others have their time.
    expect(holders.slice(1).map((peer) => peer.endedBy)).toEqual([undefined, undefined])
    // It was not their turn.
    expect(waiting.endedBy).toBe(undefined)
    for (let turn = 0; turn < 3; turn += 1) await waiting.settled()
    expect(waiting.isPaused).toBe(false)
  })

  test('who sends one body behind the other stands in the row for each of them', async () => {
    const limits = { largeBodiesBytesMax: 128 * KIB }
    const protocol = new LineProtocol()
    const first = fakeClient(protocol, { limits })
    const second = fakeClient(protocol, { limits, beside: first })
    first.send(`echo ${8 * MIB}\r\n`)
    pump(first, 7 * MIB)
    second.send(`echo ${MIB}\r\n`)
    pump(second, MIB)
    expect(second.isPaused).toBe(true)
    // The next one begins in the chunk in which this one ends.
    first.send(Buffer.alloc(MIB, 'x'))
    first.send(`\r\necho ${8 * MIB}\r\n${'x'.repeat(256 * KIB)}`)
    await first.settled()
    expect(second.isPaused).toBe(false)
    first.hangUp()
    second.hangUp()
    await first.settled()
    expect(first.roomBytes).toBe(0)
  })

  test('who waits for room is not ended for that, and its time goes on behind it', async () => {
    const limits = { largeBodiesBytesMax: 128 * KIB, crowdedTimeoutMs: 1_000_000 }
    const protocol = new LineProtocol()
    const first = fakeClient(protocol, { limits })
    const second = fakeClient(protocol, { limits, beside: first })
    first.send(`echo ${8 * MIB}\r\n`)
    pump(first, MIB)
    second.send(`echo ${MIB}\r\n`)
    for (let at = 0; at < 150; at += 1) second.pass(SECOND)
    pump(second, MIB)
    expect(second.isPaused).toBe(true)
    for (let at = 0; at < 1_000; at += 1) second.pass(SECOND)
    expect(second.endedBy).toBe(undefined)
    first.hangUp()
    await second.settled()
    expect(second.isPaused).toBe(false)
    for (let at = 0; at < 8; at += 1) second.pass(SECOND)
    expect(second.endedBy).toBe(undefined)
    for (let at = 0; at < 2; at += 1) second.pass(SECOND)
    expect(second.endedBy).toBe('half-command')
  })
})
