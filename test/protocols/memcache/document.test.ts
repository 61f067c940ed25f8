/** Every conversation in docs/memcache.md happens as it stands there, and the page names every reply. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { blocksOf, readDocument } from '../../docs/documents.ts'
import { type Peer, server } from './peer.ts'

const DOCUMENT = 'docs/memcache.md'
const SOURCES = join(import.meta.dirname, '../../../src/protocols/memcache')
const LINE = /^(?<who>2?)(?<sign>[<>]) ?(?<text>.*)$/

interface Turn {
  readonly who: string
  sent: string
  reply: string
}

/** What is sent in one go and what comes back to it. */
function turnsOf(code: string): Turn[] {
  const turns: Turn[] = []
  for (const line of code.trimEnd().split('\n')) {
    const { who = '', sign, text } = LINE.exec(line)?.groups ?? {}
    if (sign === undefined) throw new Error(`no turn of a conversation: ${line}`)
    let turn = turns.at(-1)
    if (turn === undefined || turn.who !== who || (sign === '>' && turn.reply !== '')) {
      turn = { who, sent: '', reply: '' }
      turns.push(turn)
    }
    if (sign === '>') turn.sent += `${text}\r\n`
    else turn.reply += `${text}\r\n`
  }
  return turns
}

const conversations = blocksOf(DOCUMENT).filter(({ language }) => language === 'text')

test('the page has conversations', () => {
  expect(conversations.length).toBeGreaterThan(4)
})

test.each(conversations)('the conversation at line $line', async ({ code }) => {
  const [, token] = /^token (.*)\n/.exec(code) ?? []
  const here = await server(token === undefined ? {} : { tokens: [token] })
  const peers = new Map<string, Peer>()
  for (const { who, sent, reply } of turnsOf(code.replace(/^token .*\n/, ''))) {
    const peer = peers.get(who) ?? here.peer()
    peers.set(who, peer)
    peer.wire.send(sent)
    let text = ''
    while (text.length < reply.length) text += await peer.wire.text()
    expect(text).toBe(reply)
  }
})

test('every reply that the sources know stands on the page', () => {
  const page = readDocument(DOCUMENT)
  const known = new Set<string>()
  for (const name of readdirSync(SOURCES)) {
    const source = readFileSync(join(SOURCES, name), 'utf8')
    for (const [, reply = ''] of source.matchAll(/'((?:[A-Z]+_ERROR) [^'$\\]+)/g)) known.add(reply)
    for (const [, text = ''] of source.matchAll(/server\('([^']+)'/g)) known.add(text)
  }
  expect(known.size).toBeGreaterThan(10)
  const missing = [...known].filter((reply) => !page.includes(reply.trim()))
  expect(missing).toEqual([])
})
