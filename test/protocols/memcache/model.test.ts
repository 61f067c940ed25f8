/**
 * Random commands of several connections on one queue, each reply compared with what a model of it says:
 * the lowest number that nobody has comes next, what is given back has its place again, and nothing is
 * lost or comes twice.
 */
import { expect, test } from 'vitest'
import type { Peer, Server } from './peer.ts'
import { server } from './peer.ts'

const CONNECTIONS = 3
const STEPS = 250
const SEEDS = [1, 2, 3, 4, 5, 6]
const END = 'END\r\n'

interface Connection {
  peer: Peer
  /** What it has open, oldest first. */
  open: number[]
}

class Model {
  readonly connections: Connection[]
  readonly #server: Server
  readonly #ready = new Set<number>()
  #next = 1
  #seed: number

  constructor(here: Server, seed: number) {
    this.#server = here
    this.#seed = seed
    this.connections = Array.from({ length: CONNECTIONS }, () => ({ peer: here.peer(), open: [] }))
  }

  below(bound: number): number {
    this.#seed = (this.#seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return (this.#seed >> 8) % bound
  }

  /** What is sent, and what must come back. */
  step(one: Connection): [sent: string, reply: string] {
    const count = this.below(4)
    switch (this.below(10)) {
      case 0:
      case 1:
      case 2:
        return this.#put()
      case 3:
        return ['get q\r\n', one.open.length > 0 ? this.#end(one) : this.#take('q') + END]
      case 4:
        return [
          'get q/open\r\n',
          one.open.length > 0 ? this.#end(one) : this.#openOne(one, 'q/open'),
        ]
      case 5:
        one.open.shift()
        return ['get q/close\r\n', END]
      case 6:
        for (const number of one.open.splice(0, 1)) this.#ready.add(number)
        return ['get q/abort\r\n', END]
      case 7:
        return ['get q/peek\r\n', this.#shown('q/peek', this.#lowest()) + END]
      case 8:
        return [`monitor q 0 ${count}\r\n`, this.#monitor(one, count)]
      default:
        if (one.open.length < count) return [`confirm q ${count}\r\n`, 'ERROR\r\n']
        one.open.splice(0, count)
        return [`confirm q ${count}\r\n`, END]
    }
  }

  /** A connection that goes, with what it has open, and another one in its place. */
  async replace(one: Connection): Promise<void> {
    one.peer.wire.hangUp()
    for (const number of one.open.splice(0)) this.#ready.add(number)
    one.peer = this.#server.peer()
    const leased = this.connections.reduce((sum, { open }) => sum + open.length, 0)
    while (this.#server.store.stats().leased > leased) await one.peer.wire.settled()
  }

  /** All that is left, in order. */
  rest(): string {
    let text = ''
    while (this.#ready.size > 0) text += this.#take('q') + END
    return text
  }

  #put(): [string, string] {
    const number = this.#next++
    this.#ready.add(number)
    const body = String(number)
    return [`set q ${number} 0 ${body.length}\r\n${body}\r\n`, 'STORED\r\n']
  }

  #lowest(): number | undefined {
    return this.#ready.size === 0 ? undefined : Math.min(...this.#ready)
  }

  #shown(key: string, number: number | undefined): string {
    if (number === undefined) return ''
    return `VALUE ${key} ${number} ${String(number).length}\r\n${number}\r\n`
  }

  #take(key: string): string {
    const number = this.#lowest()
    if (number !== undefined) this.#ready.delete(number)
    return this.#shown(key, number)
  }

  #openOne(one: Connection, key: string): string {
    return this.#monitorOne(one, key) + END
  }

  #monitorOne(one: Connection, key: string): string {
    const number = this.#lowest()
    if (number === undefined) return ''
    this.#ready.delete(number)
    one.open.push(number)
    return this.#shown(key, number)
  }

  #monitor(one: Connection, count: number): string {
    let text = ''
    for (let at = 0; at < count; at++) text += this.#monitorOne(one, 'q')
    return text + END
  }

  /** The server hangs up. */
  #end(one: Connection): string {
    expect(one.open.length).toBeGreaterThan(0)
    return 'ERROR\r\n<end>'
  }
}

test.each(SEEDS)('seed %i', async (seed) => {
  const here = await server()
  const model = new Model(here, seed)
  const trace: string[] = []
  for (let step = 0; step < STEPS; step++) {
    const at = model.below(CONNECTIONS)
    const one = model.connections[at] as Connection
    if (model.below(20) === 0) {
      trace.push(`${at} hangs up`)
      await model.replace(one)
      continue
    }
    const [sent, reply] = model.step(one)
    trace.push(`${at} ${JSON.stringify(sent)}`)
    expect(await one.peer.ask(sent), trace.slice(-30).join('\n')).toBe(reply)
    if (reply.endsWith('<end>')) await model.replace(one)
  }
  for (const one of model.connections) await model.replace(one)
  const [last] = model.connections
  const left = model.rest()
  expect(await last?.peer.ask('get q\r\n'.repeat(left.split(END).length))).toBe(left + END)
  expect(here.store.stats().messages).toBe(0)
})
