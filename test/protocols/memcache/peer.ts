/** A memcache server over a store in memory, and clients of it in memory, for tests. */
import { afterEach } from 'vitest'
import { openStore, type Store } from '../../../src/index.ts'
import { type MemcacheOptions, memcache } from '../../../src/protocols/memcache/index.ts'
import type { Protocol } from '../../../src/server/index.ts'
import {
  type FakeClient,
  type FakeClientOptions,
  fakeClient,
} from '../../../src/testing/fake-client.ts'

export const VERSION = '1.6.18'
const SENTINEL = `VERSION ${VERSION}\r\n`

const stores: Store[] = []
const peers: Peer[] = []

afterEach(async () => {
  for (const peer of peers.splice(0)) peer.wire.hangUp()
  for (const store of stores.splice(0)) await store.close()
})

/** The peer's end of a connection. */
export class Peer {
  readonly wire: FakeClient

  constructor(protocol: Protocol, options?: FakeClientOptions) {
    this.wire = fakeClient(protocol, options)
    peers.push(this)
  }

  /** All that is answered to these commands; `<end>` behind it where the server hangs up. */
  async ask(sent: string | Uint8Array): Promise<string> {
    this.wire.send(sent)
    this.wire.send('version\r\n')
    let text = ''
    while (!text.endsWith(SENTINEL) && !this.wire.hasEnded) {
      await new Promise<void>((resolve) => setImmediate(resolve))
      text += this.wire.takeText()
    }
    if (this.wire.errors.length > 0) throw this.wire.errors[0]
    return text.endsWith(SENTINEL) ? text.slice(0, -SENTINEL.length) : `${text}<end>`
  }

  /** The next answer, which may take a while. */
  async next(reply: string): Promise<string> {
    return this.wire.text(reply.length)
  }
}

export class Server {
  readonly store: Store
  readonly protocol: Protocol

  constructor(store: Store, options: MemcacheOptions = {}) {
    this.store = store
    this.protocol = memcache(store, { version: '1.2.3', ...options })
  }

  peer(options?: FakeClientOptions): Peer {
    return new Peer(this.protocol, options)
  }
}

export async function server(options?: MemcacheOptions): Promise<Server> {
  const store = await openStore(':memory:')
  stores.push(store)
  return new Server(store, options)
}

/** A server, and one client of it. */
export async function peer(options?: MemcacheOptions): Promise<Peer> {
  return (await server(options)).peer()
}
