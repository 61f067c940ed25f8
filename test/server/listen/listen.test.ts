/** A listener with real sockets. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import * as net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tls from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import { listenOn } from '../../../src/server/listen/listen.ts'
import type { EndReason, Listener, ListenOptions } from '../../../src/server/listen/types.ts'
import { soon } from '../../../src/system/soon.ts'
import { ManualClock } from '../door/memory.ts'
import { makeCertificate } from './certificate.ts'
import { LineProtocol } from './line-protocol.ts'
import { Peer, target } from './peer.ts'

class SocketClock extends ManualClock {
  override soon(callback: () => void): void {
    soon(callback)
  }
}

interface Served {
  readonly protocol: LineProtocol
  readonly listener: Listener
  readonly clock: ManualClock
  readonly ended: EndReason[]
}

async function serve(options: Partial<ListenOptions> = {}): Promise<Served> {
  const protocol = new LineProtocol()
  const clock = new SocketClock()
  const ended: EndReason[] = []
  const warn = (code: string, message: string): never => {
    throw new Error(`${code} ${message}`)
  }
  const listener = await listenOn(
    { clock, warn },
    {
      address: '127.0.0.1:0',
      protocol,
      onEnded: (_, why) => ended.push(why),
      ...options,
    },
  )
  onTestFinished(() => listener.close({ timeoutMs: 0 }))
  return { protocol, listener, clock, ended }
}

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'qlog-listen-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

async function greets(address: string): Promise<void> {
  const peer = await Peer.connect(address)
  peer.send('hello\r\n')
  expect(await peer.text(11)).toBe('GOT hello\r\n')
}

describe('a listener', () => {
  test('tells the port that it was given', async () => {
    const { listener } = await serve()
    expect(listener.address).toMatch(/^127\.0\.0\.1:[1-9]\d*$/)
    await greets(listener.address)
  })

  test('listens on a unix socket, and leaves no file behind', async () => {
    const path = join(directory(), 'socket')
    const { listener } = await serve({ address: `unix:${path}` })
    expect(listener.address).toBe(`unix:${path}`)
    await greets(listener.address)
    await listener.close({ timeoutMs: 0 })
    await expect(Peer.connect(`unix:${path}`)).rejects.toThrow('ENOENT')
  })

  test('takes the place of a socket whose process has died, and of nothing else', async () => {
    const path = join(directory(), 'socket')
    const first = await serve({ address: `unix:${path}` })
    await expect(serve({ address: `unix:${path}` })).rejects.toMatchObject({ code: 'QLOG_ADDRESS' })
    await greets(first.listener.address)
    await first.listener.close({ timeoutMs: 0 })
    // What a process leaves that was killed: bound, and nobody listens.
    const left = net.createServer()
    await new Promise<void>((resolve) => left.listen({ path: `${path}.bound` }, resolve))
    renameSync(`${path}.bound`, path)
    await new Promise<void>((resolve) => left.close(() => resolve()))
    const second = await serve({ address: `unix:${path}` })
    await greets(second.listener.address)
    const file = join(directory(), 'file')
    writeFileSync(file, 'mine')
    await expect(serve({ address: `unix:${file}` })).rejects.toMatchObject({ code: 'QLOG_ADDRESS' })
  })

  test('the path of a unix socket that is taken is told as that, and nothing is left', async () => {
    const folder = directory()
    const address = `unix:${join(folder, 'socket')}`
    await serve({ address })
    await expect(serve({ address })).rejects.toMatchObject({
      code: 'QLOG_ADDRESS',
      message: expect.stringContaining(`cannot listen at ${address}: EEXIST`),
      cause: { code: 'EEXIST' },
    })
    expect(readdirSync(folder)).toEqual(['socket'])
  })

  test('a stop leaves the socket of another that came after it', async () => {
    const folder = directory()
    const path = join(folder, 'socket')
    const first = await serve({ address: `unix:${path}` })
    // Whoever replaces a server puts the new one in its place first.
    rmSync(path)
    const second = await serve({ address: `unix:${path}` })
    await first.listener.close({ timeoutMs: 0 })
    await greets(second.listener.address)
    expect(readdirSync(folder)).toEqual(['socket'])
    await second.listener.close({ timeoutMs: 0 })
    expect(readdirSync(folder)).toEqual([])
  })

  test('an address that is taken is an error with its code', async () => {
    const { listener } = await serve()
    await expect(serve({ address: listener.address })).rejects.toMatchObject({
      code: 'QLOG_ADDRESS',
      message: expect.stringContaining('EADDRINUSE'),
    })
  })

  test('10 MB of commands at once are answered as they are one by one', async () => {
    const { listener } = await serve()
    const one = `echo 100\r\n${'y'.repeat(100)}\r\nword\r\n`
    const answers = `${'y'.repeat(100)}\r\nGOT word\r\n`
    const count = Math.ceil(10_000_000 / one.length)
    const peer = await Peer.connect(listener.address)
    peer.send(one.repeat(count))
    const text = await peer.text(answers.length * count)
    expect(text === answers.repeat(count)).toBe(true)
  })

  test('a body of 10 MB comes whole', async () => {
    const { listener } = await serve()
    const peer = await Peer.connect(listener.address)
    const body = 'abcdefghij'.repeat(1_000_000)
    peer.send(`echo ${body.length}\r\n${body}\r\nlast\r\n`)
    const text = await peer.text(body.length + 2 + 10)
    expect(text === `${body}\r\nGOT last\r\n`).toBe(true)
  })

  test('a reader that takes nothing makes the server wait, not grow', async () => {
    const { listener, protocol } = await serve()
    const peer = await Peer.connect(listener.address)
    peer.socket.pause()
    peer.send('fill 50000000\r\n')
    await until(() => protocol.conversations[0]?.client.isCongested === true)
    const before = listener.totals().bytesWritten
    expect(before).toBeLessThan(50_000_000 - 1_000_000)
    peer.socket.resume()
    expect((await peer.text(50_000_000)).length).toBe(50_000_000)
  })

  test('a half-closed connection gets what it asked for', async () => {
    const { listener, protocol } = await serve()
    const peer = await Peer.connect(listener.address)
    peer.socket.end('a\r\nwait\r\n')
    expect(await peer.text(7)).toBe('GOT a\r\n')
    await until(() => protocol.last.client.intake.ended)
    protocol.last.answer()
    expect(await peer.rest()).toBe('ANSWER\r\n')
    await until(() => listener.connections === 0)
    expect(protocol.last.closings).toBe(1)
  })

  test('a peer that leaves many commands behind one that waits is seen to leave', async () => {
    const { listener, protocol } = await serve()
    const peer = await Peer.connect(listener.address)
    peer.send('wait\r\n')
    await until(() => protocol.conversations[0]?.isBusy === true)
    protocol.last.isWaiting = true
    const sent = 'a\r\n'.repeat(100_000)
    await new Promise<void>((resolve) => peer.socket.write(sent, () => resolve()))
    peer.socket.destroy()
    await until(() => protocol.last.client.intake.ended)
    protocol.last.isWaiting = false
    protocol.last.answer()
    await until(() => listener.connections === 0)
  })

  test('whoever comes over the limit is let go, and the others notice nothing', async () => {
    const { listener } = await serve({ connectionsMax: 5 })
    const peers = await Promise.all(Array.from({ length: 5 }, () => Peer.connect(listener.address)))
    await until(() => listener.connections === 5)
    const late = await Promise.all(
      Array.from({ length: 200 }, () => Peer.connect(listener.address)),
    )
    for (const peer of late) expect(await peer.rest()).toBe('')
    expect(listener.totals()).toMatchObject({ connections: 5, open: 5, refused: 200 })
    for (const peer of peers) peer.send('still\r\n')
    for (const peer of peers) expect(await peer.text(11)).toBe('GOT still\r\n')
    peers[0]?.socket.destroy()
    await until(() => listener.connections === 4)
    await greets(listener.address)
  })

  test('time-outs come by the clock, and the timer ends with the last connection', async () => {
    const { listener, clock, ended } = await serve({ idleTimeoutMs: 8_000 })
    const slow = await Peer.connect(listener.address)
    slow.send('hal')
    const idle = await Peer.connect(listener.address)
    await until(() => listener.totals().bytesRead === 3 && listener.connections === 2)
    for (let at = 0; at < 10; at += 1) clock.pass(1_000)
    expect(ended).toEqual(['idle'])
    expect(await idle.rest()).toBe('')
    for (let at = 0; at < 25; at += 1) clock.pass(1_000)
    expect(ended).toEqual(['idle', 'half-command'])
    expect(await slow.rest()).toBe('')
    await until(() => listener.connections === 0)
    clock.pass(1_000)
    expect(clock.timers).toBe(0)
    expect(listener.totals().endedBy).toMatchObject({ idle: 1, 'half-command': 1, failed: 0 })
  })
})

describe('a close', () => {
  test('answers what was accepted, and takes nobody any more', async () => {
    const { listener, protocol } = await serve()
    const peer = await Peer.connect(listener.address)
    peer.send('wait\r\n')
    const idle = await Peer.connect(listener.address)
    await until(() => protocol.conversations[0]?.isBusy === true && listener.connections === 2)
    const closed = listener.close()
    expect(await idle.rest()).toBe('')
    idle.socket.destroy()
    await expect(Peer.connect(listener.address)).rejects.toThrow('ECONNREFUSED')
    protocol.conversations[0]?.answer()
    expect(await peer.rest()).toBe('ANSWER\r\n')
    peer.socket.destroy()
    await closed
    expect(protocol.conversations.map(({ closings }) => closings)).toEqual([1, 1])
  })

  test('breaks off what does not come to its end', async () => {
    const { listener, protocol, clock, ended } = await serve()
    const peer = await Peer.connect(listener.address)
    peer.send('wait\r\n')
    await until(() => protocol.conversations[0]?.isBusy === true)
    const closed = listener.close({ timeoutMs: 5_000 })
    clock.pass(4_999)
    expect(ended).toEqual([])
    clock.pass(1)
    expect(ended).toEqual(['stopped'])
    await closed
    expect(await peer.rest()).toBe('')
    expect(clock.timers).toBe(0)
  })

  test('is one also where the file of its socket cannot be taken away', async () => {
    const folder = directory()
    const inner = join(folder, 'inner')
    mkdirSync(inner)
    const { listener } = await serve({ address: `unix:${join(inner, 'socket')}` })
    const peer = await Peer.connect(listener.address)
    const moved = join(folder, 'moved')
    renameSync(inner, moved)
    // A name that leads to itself: nothing behind it is to be looked at, by whomever.
    symlinkSync(inner, inner)
    await listener.close({ timeoutMs: 0 })
    expect(await peer.rest()).toBe('')
    await expect(Peer.connect(`unix:${join(moved, 'socket')}`)).rejects.toThrow('ECONNREFUSED')
  })

  test('leaves a socket that it may not take away, and the next start takes its place', async (context) => {
    if (process.getuid?.() === 0) return context.skip('root may take away whatever it likes')
    const folder = directory()
    const address = `unix:${join(folder, 'socket')}`
    const { listener } = await serve({ address })
    chmodSync(folder, 0o500)
    await listener.close({ timeoutMs: 0 })
    chmodSync(folder, 0o700)
    expect(readdirSync(folder)).toEqual(['socket'])
    const next = await serve({ address })
    await greets(next.listener.address)
  })

  test('ends every connection whatever is thrown by who hears of it, which is told as an error', async () => {
    const abort = new AbortController()
    const errors: string[] = []
    const onEnded = (): never => {
      throw new Error('of whoever listens to ends')
    }
    const { listener } = await serve({
      signal: abort.signal,
      onEnded,
      onError: ({ message }, client) => errors.push(`${client}: ${message}`),
    })
    const peers = [await Peer.connect(listener.address), await Peer.connect(listener.address)]
    for (const peer of peers) peer.send('wait\r\n')
    await until(() => listener.connections === 2)
    abort.abort()
    expect(await Promise.all(peers.map((peer) => peer.rest()))).toEqual(['', ''])
    await listener.close()
    expect(errors).toEqual(['1: of whoever listens to ends', '2: of whoever listens to ends'])
    expect(listener.connections).toBe(0)
  })

  test('counts a connection that was being ended already for the first reason alone', async () => {
    const { listener, protocol, ended } = await serve()
    const peer = await Peer.connect(listener.address)
    await until(() => listener.connections === 1)
    protocol.last.client.end('unauthorized')
    await listener.close({ timeoutMs: 0 })
    expect(await peer.rest()).toBe('')
    expect(ended).toEqual(['unauthorized'])
    expect(listener.totals().endedBy).toMatchObject({ unauthorized: 1, stopped: 0 })
  })

  test('comes with the signal', async () => {
    const abort = new AbortController()
    const { listener } = await serve({ signal: abort.signal })
    const peer = await Peer.connect(listener.address)
    abort.abort()
    expect(await peer.rest()).toBe('')
    await listener.close()
    await expect(serve({ signal: abort.signal })).rejects.toMatchObject({ code: 'QLOG_ABORTED' })
  })
})

describe('TLS', () => {
  test('serves who speaks it, and lets go who does not', async (context) => {
    const pem = makeCertificate(directory())
    if (pem === undefined) return context.skip('openssl is not installed')
    const { listener, protocol } = await serve({ tls: pem })
    const plain = await Peer.connect(listener.address)
    plain.send('hello\r\n')
    await plain.rest()
    const socket = tls.connect({
      ...target(listener.address),
      ca: pem.cert,
      servername: 'localhost',
    })
    const peer = new Peer(socket)
    peer.send('hello\r\n')
    expect(await peer.text(11)).toBe('GOT hello\r\n')
    expect(protocol.last.client.isTls).toBe(true)
    // One that says nothing at all does not hold up the end.
    await Peer.connect(listener.address)
    await listener.close({ timeoutMs: 0 })
  })

  test('a certificate that is none is refused', async () => {
    await expect(serve({ tls: { cert: 'x', key: 'y' } })).rejects.toMatchObject({
      code: 'QLOG_INVALID_ARGUMENT',
    })
  })
})

/** Waits for what the kernel and the other end of a socket do. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise<void>((resolve) => setImmediate(resolve))
}
