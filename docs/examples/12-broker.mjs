/**
 * A broker of one's own: a protocol of lines over TCP, translated into calls of the store. It owns no state
 * but its connections: a session each, which gives back what it holds when the connection ends.
 *
 *     put QUEUE TEXT     -> put ID
 *     watch QUEUE        -> watching QUEUE
 *     take               -> took ID ATTEMPT QUEUE TEXT    waits for a message
 *     ack ID             -> acked ID
 *     retry ID TEXT      -> retried ID, or buried ID
 *     anything amiss     -> error CODE WORDS
 *
 * Answers come in the order of the commands, and only once what they tell is on disk. Here a client in the
 * same program speaks to it.
 */

import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { openStore } from 'qlog'

const LINE_BYTES_MAX = 65_536
const CONNECTIONS_MAX = 1_000

class Broker {
  #store
  #server = createServer((socket) => void this.#serve(socket))
  #sockets = new Set()

  constructor(store) {
    this.#store = store
    this.#server.maxConnections = CONNECTIONS_MAX
  }

  /** Resolves with the port; 0 takes a free one. Only this host can connect: there is no password. */
  listen(port) {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, '127.0.0.1', () => resolve(this.#server.address().port))
    })
  }

  /** Takes no more connections and ends those that there are. */
  close() {
    for (const socket of this.#sockets) socket.destroy()
    return new Promise((resolve) => this.#server.close(resolve))
  }

  /** One connection, command by command: each is answered before the next begins. */
  async #serve(socket) {
    const gone = new AbortController()
    const connection = { session: this.#store.session(), taken: new Map(), signal: gone.signal }
    this.#sockets.add(socket)
    socket.on('error', () => undefined) // 'close' follows, and there all of it ends
    socket.once('close', () => {
      this.#sockets.delete(socket)
      gone.abort()
    })
    try {
      const lines = linesOf(socket)
      for (let next = lines.next(); ; ) {
        const { value: line, done } = await next
        if (done) break
        // Read ahead, so that a client that goes while its `take` waits is noticed.
        next = lines.next()
        next.then(
          ({ done: ended }) => ended && gone.abort(),
          () => gone.abort(),
        )
        const answer = await this.#answer(connection, line)
        if (!socket.write(`${answer}\n`)) await drained(socket, gone.signal)
      }
    } catch (error) {
      socket.end(`error ${error.code ?? 'ERROR'} ${error.message}\n`)
    } finally {
      await connection.session.close()
      socket.destroySoon()
    }
  }

  async #answer(connection, line) {
    const [verb, rest] = split(line)
    const command = COMMANDS[verb]
    if (command === undefined) return `error UNKNOWN ${verb} is no command`
    try {
      return await command(connection, rest, this.#store)
    } catch (error) {
      return `error ${error.code ?? 'ERROR'} ${error.message}`
    }
  }
}

const COMMANDS = {
  __proto__: null,

  async put(_connection, rest, store) {
    const [queue, text] = split(rest)
    const { id } = await store.queue(queue).put(text)
    return `put ${id}`
  },

  async watch({ session }, queue) {
    await session.watch(queue)
    return `watching ${queue}`
  },

  async take({ session, taken, signal }) {
    const [delivery] = await session.reserve({ signal })
    taken.set(delivery.id, delivery)
    return `took ${delivery.id} ${delivery.attempt} ${delivery.queue} ${delivery.text()}`
  },

  async ack(connection, id) {
    await takenWith(connection, id).ack()
    return `acked ${id}`
  },

  async retry(connection, rest) {
    const [id, error] = split(rest)
    const { buried } = await takenWith(connection, id).retry(error)
    return `${buried ? 'buried' : 'retried'} ${id}`
  },
}

/** The first word, and what is behind it. */
function split(line) {
  const space = line.indexOf(' ')
  return space < 0 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)]
}

/** Each delivery can be ended once; the store says so too, where its lease is over. */
function takenWith({ taken }, id) {
  const delivery = taken.get(Number(id))
  if (delivery === undefined) throw new Error(`message ${id} is not taken by this connection`)
  taken.delete(delivery.id)
  return delivery
}

/** Lines of at most LINE_BYTES_MAX bytes: who sends a longer one is told so, and cut off. */
async function* linesOf(socket) {
  let rest = Buffer.alloc(0)
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    rest = Buffer.concat([rest, chunk])
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield rest.toString('utf8', 0, end)
      rest = rest.subarray(end + 1)
    }
    if (rest.length > LINE_BYTES_MAX) throw new Error(`a line has over ${LINE_BYTES_MAX} bytes`)
  }
}

/** A client that does not read its answers is not read from either. */
function drained(socket, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    socket.once('drain', resolve)
    signal.addEventListener('abort', resolve, { once: true })
  })
}

/** Sends commands one after the other and prints what was answered. */
async function client(port, commands) {
  const socket = connect(port, '127.0.0.1')
  const answers = createInterface({ input: socket })[Symbol.asyncIterator]()
  for (const command of commands) {
    socket.write(`${command}\n`)
    console.log(`${command.padEnd(24)} -> ${(await answers.next()).value}`)
  }
  await new Promise((resolve) => socket.once('close', resolve).end())
}

const store = await openStore(':memory:')
const broker = new Broker(store)
try {
  const port = await broker.listen(0)
  await client(port, [
    'put orders 3 pears',
    'put orders 1 melon',
    'watch orders',
    'take',
    'ack 1',
    'take',
  ])
  console.log('The client has gone without an ack: message 2 is ready again.')
  await client(port, ['watch orders', 'take', 'ack 2', 'ack 2', 'dance', 'watch'])
} finally {
  await broker.close()
  await store.close()
}
