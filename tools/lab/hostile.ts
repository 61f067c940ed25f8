/**
 * Clients as nobody wants them: garbage, half commands, bodies that are not as long as they say, lengths of
 * gigabytes, storms of connections, bytes that come one by one, readers that do not read. What they send
 * follows from their seed. None of them names a job of the witness.
 */

import { createConnection, type Socket } from 'node:net'
import { below, pick, type Random } from '../../test/hostile/mutate.ts'
import { binaryFrame, COMMANDS, TEXT_COMMANDS } from '../../test/hostile/protocol-bytes.ts'

/** What it does until it is over; it never throws, since the server may close whenever it likes. */
export type Hostile = (port: number, random: Random, isOver: () => boolean) => Promise<void>

const STORM_CONNECTIONS = 300
const LORIS_CONNECTIONS = 50
const FLOOD_BYTES = 16 * 1024 * 1024
const CHUNK_BYTES = 64 * 1024
const STEP_MS = 20

/** `beanstalkd`: hostile to that protocol; `memcache`: to that one. */
export const HOSTILES: Readonly<
  Record<'beanstalkd' | 'memcache', Readonly<Record<string, Hostile>>>
> = {
  beanstalkd: {
    garbage: withSocket(sendGarbage),
    commands: withSocket((socket, random, isOver) =>
      sendCommands(socket, random, isOver, COMMANDS),
    ),
    'half commands': halfOf(COMMANDS),
    'wrong lengths': withSocket(sendWrongLengths),
    gigabytes: withSocket((socket, random, isOver) =>
      flood(
        socket,
        isOver,
        pick(random, ['put 0 0 10 2147483647\r\n', 'put 0 0 10 4294967295\r\n']),
      ),
    ),
    'a line without an end': withSocket((socket, _, isOver) => flood(socket, isOver, 'use ')),
    storm,
    'slow-loris': lorises('put 0 0 10 60000\r\n'),
    'does not read': withSocket((socket, random, isOver) =>
      doNotRead(socket, random, isOver, ['stats\r\n', 'list-tubes\r\n', 'peek-ready\r\n']),
    ),
  },
  memcache: {
    garbage: withSocket(sendGarbage),
    commands: withSocket((socket, random, isOver) =>
      sendCommands(socket, random, isOver, TEXT_COMMANDS),
    ),
    'half commands': halfOf(TEXT_COMMANDS),
    'binary garbage': withSocket(sendBinary),
    gigabytes: withSocket((socket, _, isOver) =>
      flood(socket, isOver, 'set hostile 0 0 2147483647\r\n'),
    ),
    'slow-loris': lorises('set hostile 0 0 60000\r\n'),
    'does not read': withSocket((socket, random, isOver) =>
      doNotRead(socket, random, isOver, ['stats\r\n', 'version\r\n']),
    ),
  },
}

type Act = (socket: Socket, random: Random, isOver: () => boolean) => Promise<void>

/** Does it on one connection after the other. */
function withSocket(act: Act): Hostile {
  return async (port, random, isOver) => {
    do {
      const socket = await open(port)
      if (socket !== undefined) await act(socket, random, isOver)
      if (random() < 0.5) socket?.destroy()
      else socket?.resetAndDestroy()
      await pause()
    } while (!isOver())
  }
}

/** A connection whose answers nobody reads into memory; undefined where the server takes no more. */
function open(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1', noDelay: true })
    socket.once('error', () => resolve(undefined))
    socket.on('error', () => undefined)
    socket.once('connect', () => {
      socket.resume()
      resolve(socket)
    })
  })
}

function pause(ms = STEP_MS): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function sendGarbage(socket: Socket, random: Random): Promise<void> {
  for (let i = below(random, 20); i >= 0; i--) {
    const bytes = Buffer.from(Array.from({ length: below(random, 3000) }, () => below(random, 256)))
    socket.write(bytes)
    if (random() < 0.3) socket.write('\r\n')
    if (random() < 0.3) await pause(1)
  }
}

/** Commands as they should be, some with a byte changed, in pieces. */
async function sendCommands(
  socket: Socket,
  random: Random,
  isOver: () => boolean,
  commands: readonly string[],
): Promise<void> {
  for (let i = below(random, 200); i >= 0 && !isOver() && !socket.destroyed; i--) {
    const bytes = Buffer.from(pick(random, commands), 'latin1')
    if (random() < 0.2) bytes[below(random, bytes.length)] = below(random, 256)
    const cut = below(random, bytes.length)
    socket.write(bytes.subarray(0, cut))
    if (random() < 0.1) await pause(1)
    socket.write(bytes.subarray(cut))
  }
  await pause()
}

/** A part of a command, then the end: of one direction, or of all. */
function halfOf(commands: readonly string[]): Hostile {
  return withSocket(async (socket, random) => {
    const command = pick(random, commands)
    socket.write(command.slice(0, below(random, command.length)), 'latin1')
    if (random() < 0.5) socket.end()
    await pause()
  })
}

async function sendWrongLengths(socket: Socket, random: Random): Promise<void> {
  for (let i = below(random, 30); i >= 0; i--) {
    const body = 'w'.repeat(below(random, 5000))
    const declared = Math.max(0, body.length + below(random, 40) - 20)
    socket.write(`put 0 0 10 ${declared}\r\n${body}\r\n`)
  }
  await pause()
}

/** A beginning that promises gigabytes, and some of them. */
async function flood(socket: Socket, isOver: () => boolean, beginning: string): Promise<void> {
  socket.write(beginning)
  const chunk = Buffer.alloc(CHUNK_BYTES, 'g')
  for (let sent = 0; sent < FLOOD_BYTES && !isOver() && !socket.destroyed; sent += CHUNK_BYTES) {
    if (!socket.write(chunk)) await pause(1)
    if (socket.writableLength > 4 * CHUNK_BYTES) await pause()
  }
}

async function storm(port: number, random: Random, isOver: () => boolean): Promise<void> {
  do {
    const opened = await Promise.all(Array.from({ length: STORM_CONNECTIONS }, () => open(port)))
    for (const socket of opened) {
      if (random() < 0.3) socket?.write('reserve\r\n')
      if (random() < 0.3) socket?.write('put 0 0 10 1\r\n')
    }
    await pause()
    for (const socket of opened) {
      if (random() < 0.5) socket?.destroy()
      else socket?.resetAndDestroy()
    }
  } while (!isOver())
}

/** A byte now and then, on many connections. */
function lorises(beginning: string): Hostile {
  return async (port, random, isOver) => {
    const opened = await Promise.all(Array.from({ length: LORIS_CONNECTIONS }, () => open(port)))
    let sent = 0
    do {
      for (const socket of opened) {
        if (socket !== undefined && !socket.destroyed && random() < 0.5) {
          socket.write(beginning[sent] ?? 'l')
        }
      }
      sent++
      await pause()
    } while (!isOver())
    for (const socket of opened) socket?.destroy()
  }
}

/** Asks for long answers and takes none of them. */
async function doNotRead(
  socket: Socket,
  random: Random,
  isOver: () => boolean,
  commands: readonly string[],
): Promise<void> {
  socket.pause()
  const ask = Buffer.from(pick(random, commands).repeat(500))
  while (!isOver() && !socket.destroyed) {
    if (socket.writableLength < FLOOD_BYTES / 16) socket.write(ask)
    await pause(1)
  }
}

/** Binary frames: the first byte is right, the lengths are what they like. */
async function sendBinary(socket: Socket, random: Random): Promise<void> {
  for (let i = below(random, 20); i >= 0; i--) socket.write(binaryFrame(random))
  await pause()
}
