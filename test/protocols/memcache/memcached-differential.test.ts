/**
 * The same commands to memcached and to this server, replies compared byte for byte. Where the two differ
 * on purpose the difference is named, with its reason, and a line that no longer differs fails.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStore, type Store } from '../../../src/index.ts'
import { memcache } from '../../../src/protocols/memcache/index.ts'
import { type Listener, listen } from '../../../src/server/index.ts'

const PROGRAM = '/usr/bin/memcached'
const isInstalled = existsSync(PROGRAM)
if (!isInstalled)
  console.log(`SKIPPED: ${PROGRAM} is not installed; replies are not compared with it`)

const k250 = 'k'.repeat(250)
const k251 = 'k'.repeat(251)

/** Each is sent on a connection of its own, to servers that hold nothing under these keys. */
const SAME: readonly string[] = [
  'get\r\n',
  '\r\n',
  'foo\r\n',
  'get a\n',
  'get a\r\n',
  ' get  a \r\n',
  'get a b c\r\n',
  'gets a\r\n',
  'gets\r\n',
  `get ${k251}\r\n`,
  `get a ${k251} b\r\n`,
  `get ${'a '.repeat(2000)}\r\n`,
  `${'x'.repeat(2000)}\r\n`,
  'set a1 0 0 1\r\nx\r\nget a1\r\nget a2\r\n',
  'set a3 4294967295 0 1\r\nx\r\nget a3\r\n',
  'set a4 0 0 0\r\n\r\nget a4\r\n',
  'set a5 0 0 01\r\nx\r\n',
  'set a5 0 0 +1\r\nx\r\n',
  'set a5 0 0 1 foo\r\nx\r\n',
  'set a5 0 0 1\nx\r\n',
  'set a6 0 0 1 noreply\r\nx\r\nget a6\r\n',
  'set\r\n',
  'set a\r\n',
  'set a 0 0\r\n',
  'set a 0 0 1 noreply foo\r\nx\r\n',
  'set a 0 0 -1\r\n',
  'set a 0 0 x\r\n',
  'set a 0 0 1x\r\nx\r\n',
  'set a 0 1753000000000 1\r\nx\r\n',
  'set a 0 9223372036854775807 1\r\nx\r\n',
  'set a 0 -9223372036854775808 1\r\nx\r\n',
  'set a 0 0 2147483646\r\n',
  'set a 0 0 4294967295\r\n',
  'set a 0 0 99999999999999999999\r\n',
  'set a 0 0 x noreply\r\n',
  'set a 0 0 1\r\nxyz\r\n',
  'set a 0 0 1\r\nx\nversion\r\n',
  'set a 0 0 1 noreply\r\nxyz\r\n',
  'set a7 0 0 3\r\nx\r\n\r\n\r\nget a7\r\n',
  `set a8 0 0 2000000\r\n${'x'.repeat(2_000_000)}\r\n`,
  `set a8 0 0 2000000 noreply\r\n${'x'.repeat(2_000_000)}\r\n`,
  'cas a 0 0 1\r\nx\r\n',
  'incr a\r\n',
  'set d1 0 0 1\r\nx\r\ndelete d1\r\ndelete d1\r\n',
  'delete\r\n',
  'delete a9\r\n',
  'delete a9 0\r\n',
  'delete a9 5\r\n',
  'delete a9 noreply\r\n',
  'delete a9 0 noreply\r\n',
  'delete a9 5 noreply\r\n',
  'delete a b c d\r\n',
  `delete ${k251}\r\n`,
  'flush_all\r\n',
  'flush_all 0\r\n',
  'flush_all -1\r\n',
  'flush_all noreply\r\n',
  'flush_all 0 noreply\r\n',
  'flush_all x\r\n',
  'flush_all 1 2 3\r\n',
  'verbosity\r\n',
  'verbosity 1\r\n',
  'verbosity x\r\n',
  'verbosity 1 noreply\r\n',
  'verbosity noreply\r\n',
  'verbosity 1 2 3\r\n',
  'stats reset\r\n',
  'stats items\r\n',
  'stats foo\r\n',
  'quit\r\n',
  'quit x\r\n',
]

const DIFFERENT: readonly (readonly [sent: string, why: string])[] = [
  ['GET a\r\n', 'Kestrel takes its commands in any case, and kestrel-client sends STATS'],
  ['VERSION\r\n', 'the same'],
  ['set b1 0 0 1\r\nx\r\nget b1\r\nget b1\r\n', 'a queue gives each item once'],
  ['set b2 4294967296 0 1\r\nx\r\n', 'flags have 32 bits: memcached cuts them off'],
  ['set a x 0 1\r\nx\r\n', 'a body is let pass wherever its length is known'],
  ['set a 0 x 1\r\nx\r\n', 'the same'],
  ['set a -1 0 1\r\nx\r\n', 'the same'],
  ['set a 0 9223372036854775808 1\r\nx\r\n', 'the same'],
  [`set ${k251} 0 0 1\r\nx\r\n`, 'the same'],
  ['set b3 0 -1 1\r\nx\r\nget b3\r\n', 'exptime is ignored: clients set one unasked'],
  ['add b4 0 0 1\r\nx\r\n', 'a queue has no meaning for it, and must not take it for a set'],
  ['replace b5 0 0 1\r\nx\r\n', 'the same'],
  ['append b5 0 0 1\r\nx\r\n', 'the same'],
  ['prepend b5 0 0 1\r\nx\r\n', 'the same'],
  ['cas b5 0 0 1 7\r\nx\r\n', 'the same'],
  ['incr b5 1\r\n', 'the same'],
  ['decr b5 1\r\n', 'the same'],
  ['touch b5 0\r\n', 'the same, and no client of queues sends it'],
  ['flush_all 10\r\n', 'a queue is flushed at once or not at all'],
  [`get ${k250}\r\n`, 'names of queues have at most 200 bytes'],
  ['get a\tb\r\n', 'names of queues have no control characters'],
  [
    `${'x'.repeat(3000)}\r\n`,
    'a long line is refused alike whether it comes in one packet or many',
  ],
]

/** No other command here has both replies, one behind the other. */
const SENTINEL = 'flush_all sentinel\r\nverbosity sentinel\r\n'
const SENTINEL_REPLY =
  'CLIENT_ERROR invalid exptime argument\r\nCLIENT_ERROR bad command line format\r\n'

describe.skipIf(!isInstalled)('memcached and this server', () => {
  let theirs: ChildProcess
  let theirPort: number
  let store: Store
  let listener: Listener
  let ourPort: number

  beforeAll(async () => {
    theirPort = await freePort()
    const user = process.getuid?.() === 0 ? ['-u', 'root'] : []
    const where = ['-l', '127.0.0.1', '-p', String(theirPort), '-U', '0']
    theirs = spawn(PROGRAM, [...user, ...where], { stdio: 'ignore' })
    await untilListening(theirPort)
    store = await openStore(':memory:')
    listener = await listen({ address: '127.0.0.1:0', protocol: memcache(store) })
    ourPort = Number(listener.address.split(':').at(-1))
  })

  afterAll(async () => {
    theirs?.kill()
    await listener?.close({ timeoutMs: 1_000 })
    await store?.close()
  })

  test.each(SAME.map((sent) => ({ what: JSON.stringify(sent).slice(0, 60), sent })))(
    'answer alike to $what',
    async ({ sent }) => {
      expect(await answer(ourPort, sent)).toBe(await answer(theirPort, sent))
    },
  )

  test.each(
    DIFFERENT.map(([sent, why]) => ({ what: JSON.stringify(sent).slice(0, 60), sent, why })),
  )('differ in $what: $why', async ({ sent }) => {
    expect(await answer(ourPort, sent)).not.toBe(await answer(theirPort, sent))
  })
})

/** Everything that comes back, up to the reply to a command that follows; `<end>` where the server hangs up. */
async function answer(port: number, sent: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  const done = new Promise<string>((resolve, reject) => {
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
      if (text.endsWith(SENTINEL_REPLY)) resolve(text.slice(0, -SENTINEL_REPLY.length))
    })
    socket.on('end', () => resolve(`${text}<end>`))
    socket.on('close', () => resolve(`${text}<end>`))
    // Whoever hangs up may do so while more is sent.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error)
    })
  })
  socket.write(Buffer.from(sent + SENTINEL, 'latin1'))
  try {
    return await done
  } finally {
    socket.destroy()
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function untilListening(port: number): Promise<void> {
  for (;;) {
    const socket: Socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.on('connect', () => resolve(true))
      socket.on('error', () => resolve(false))
    })
    socket.destroy()
    if (isOpen) return
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
}
