/** `qlog serve` as a process: its ports, signals, exit codes, metrics, and what outlives it. */
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import * as http from 'node:http'
import * as net from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import * as tls from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import { makeCertificate } from '../../server/listen/certificate.ts'
import { Peer, target } from '../../server/listen/peer.ts'
import { freshDirectory, jsonLines, runBuilt } from '../support.ts'
import { ServerProcess } from './server-process.ts'

const PUT = 'put 0 0 60 5\r\nhello\r\n'

function store(): string {
  return join(freshDirectory(), 'store')
}

async function ask(peer: Peer, words: string, answer: string): Promise<void> {
  peer.send(words)
  let text = ''
  while (text.length < answer.length) text += await peer.text()
  expect(text).toBe(answer)
}

describe('a server', () => {
  test('what one protocol puts, the other takes, and a restart keeps', async () => {
    const directory = store()
    const words = [directory, '--beanstalkd', '127.0.0.1:0', '--memcache', '127.0.0.1:0']
    const first = await ServerProcess.start(words)
    const beanstalk = await Peer.connect(first.address('beanstalkd'))
    await ask(beanstalk, PUT, 'INSERTED 1\r\n')
    const cache = await Peer.connect(first.address('memcache'))
    await ask(cache, 'get default\r\n', 'VALUE default 0 5\r\nhello\r\nEND\r\n')
    await ask(cache, 'set mails 0 0 3\r\nabc\r\n', 'STORED\r\n')
    expect(await first.stop()).toBe(0)
    expect(first.noise).toEqual([])
    const second = await ServerProcess.start(words)
    const again = await Peer.connect(second.address('beanstalkd'))
    await ask(again, 'watch mails\r\nreserve\r\n', 'WATCHING 2\r\nRESERVED 2 3\r\nabc\r\n')
    expect(await second.stop()).toBe(0)
  })

  test('in the form of beanstalkd, at a unix socket', async () => {
    const directory = store()
    const socket = `unix:${join(freshDirectory(), 'b.sock')}`
    const server = await ServerProcess.start([
      '--beanstalkd',
      '-b',
      directory,
      '-l',
      socket,
      '-f50',
      '-z100',
      '-V',
    ])
    const peer = await Peer.connect(socket)
    await ask(peer, PUT, 'INSERTED 1\r\n')
    await ask(peer, `put 0 0 60 101\r\n${'x'.repeat(101)}\r\n`, 'JOB_TOO_BIG\r\n')
    expect(await server.stop()).toBe(0)
    await expect(Peer.connect(socket)).rejects.toThrow('ENOENT')
    const listed = await runBuilt(['queues', directory, '--json'])
    expect(JSON.parse(listed.stdout.toString())).toMatchObject({ queue: 'default', messages: 1 })
  })

  test('without -b it says that nothing is kept', async () => {
    const server = await ServerProcess.start(['--beanstalkd', '-l', '127.0.0.1', '-p0'])
    expect(await server.hears('nothing-kept')).toMatchObject({ level: 'warn' })
    const peer = await Peer.connect(server.address('beanstalkd'))
    await ask(peer, PUT, 'INSERTED 1\r\n')
    expect(await server.stop()).toBe(0)
  })

  test('takes a listening socket that was handed down', async () => {
    const path = join(freshDirectory(), 'handed.sock')
    const listening = net.createServer()
    await new Promise<void>((resolve) => listening.listen({ path }, resolve))
    onTestFinished(() => void listening.close())
    const descriptor = (listening as unknown as { _handle: { fd: number } })._handle.fd
    const server = await ServerProcess.start([store(), '--beanstalkd', 'fd:3'], {
      descriptors: [descriptor],
    })
    expect(server.address('beanstalkd')).toBe('fd:3')
    // As long as this process listens too, either of them may take a connection: it takes one and stops.
    listening.on('connection', (socket) => socket.destroy())
    let answer = ''
    while (answer === '') {
      const peer = await Peer.connect(`unix:${path}`)
      peer.socket.end(PUT)
      answer = await peer.rest()
    }
    expect(answer).toBe('INSERTED 1\r\n')
    expect(await server.stop()).toBe(0)
  })
})

describe('-u', () => {
  test('the port is bound by root, the store opened by the user', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('only root can become somebody else')
    const directory = freshDirectory()
    chmodSync(directory, 0o777)
    const words = [join(directory, 'store'), '--beanstalkd', '127.0.0.1:0', '-u', 'nobody']
    const server = await ServerProcess.start(words)
    const status = readFileSync(`/proc/${server.child.pid}/status`, 'utf8')
    const nobody = statSync(join(directory, 'store')).uid
    expect(nobody).not.toBe(0)
    expect(status).toContain(`Uid:\t${nobody}\t${nobody}\t${nobody}\t${nobody}\n`)
    const peer = await Peer.connect(server.address('beanstalkd'))
    await ask(peer, PUT, 'INSERTED 1\r\n')
    expect(await server.stop()).toBe(0)
  })

  test('where the user may not take the socket away, the server ends, and the next begins', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('only root can become somebody else')
    const directory = freshDirectory()
    chmodSync(directory, 0o777)
    const ofRoot = join(directory, 'run')
    mkdirSync(ofRoot, { mode: 0o755 })
    const socket = join(ofRoot, 'b.sock')
    const words = [join(directory, 'store'), '--beanstalkd', `unix:${socket}`, '-u', 'nobody']
    for (const id of [1, 2]) {
      const server = await ServerProcess.start(words)
      const peer = await Peer.connect(`unix:${socket}`)
      await ask(peer, PUT, `INSERTED ${id}\r\n`)
      expect(await server.stop()).toBe(0)
      expect(server.log.at(-1)).toMatchObject({ event: 'stopped' })
      expect(existsSync(socket)).toBe(true)
    }
  })
})

describe('signals', () => {
  test('SIGUSR1 refuses puts, goes on with the rest, and opens no debugger', async () => {
    const server = await ServerProcess.start([store(), '--beanstalkd', '127.0.0.1:0'])
    const peer = await Peer.connect(server.address('beanstalkd'))
    await ask(peer, PUT, 'INSERTED 1\r\n')
    server.signal('SIGUSR1')
    await server.hears('draining')
    await ask(peer, PUT, 'DRAINING\r\n')
    await ask(peer, 'reserve\r\n', 'RESERVED 1 5\r\nhello\r\n')
    server.signal('SIGUSR1')
    await ask(peer, 'delete 1\r\n', 'DELETED\r\n')
    expect(await server.stop()).toBe(0)
    // The platform would say on stderr that its debugger listens.
    expect(server.noise).toEqual([])
  })

  test.each(['SIGTERM', 'SIGINT'] as const)('%s answers what was accepted', async (name) => {
    const directory = store()
    const server = await ServerProcess.start([directory, '--beanstalkd', '127.0.0.1:0'])
    const peers = await Promise.all(
      Array.from({ length: 20 }, () => Peer.connect(server.address('beanstalkd'))),
    )
    const waiting = await Peer.connect(server.address('beanstalkd'))
    await ask(waiting, 'watch nothing\r\nignore default\r\n', 'WATCHING 2\r\nWATCHING 1\r\n')
    waiting.send('reserve\r\n')
    for (const peer of peers) peer.send(PUT.repeat(50))
    const firsts = await Promise.all(peers.map((peer) => peer.text()))
    server.signal(name)
    const rests = await Promise.all(peers.map((peer) => peer.rest()))
    expect(await server.ended).toBe(0)
    // What was accepted was answered, and what was not has left nothing.
    const listed = jsonLines((await runBuilt(['queues', directory, '--json'])).stdout)
    const answered = [...firsts, ...rests].join('').match(/INSERTED \d+\r\n/g)?.length
    expect(answered).toBeGreaterThan(0)
    expect(listed).toContainEqual(expect.objectContaining({ queue: 'default', messages: answered }))
    expect(server.log.map((line) => line['event'])).toEqual(
      expect.arrayContaining(['stopping', 'stopped']),
    )
  })

  test('a client that takes no answer does not hold up the end for ever', async () => {
    const words = [store(), '--beanstalkd', '127.0.0.1:0', '--stop-timeout', '0.2']
    const server = await ServerProcess.start(words)
    const peer = await Peer.connect(server.address('beanstalkd'))
    peer.send('reserve\r\n')
    const hanging = await Peer.connect(server.address('beanstalkd'))
    hanging.socket.pause()
    expect(await server.stop()).toBe(0)
  })
})

describe('exit codes', () => {
  test('a wrong word: 2, and 5 in the form of beanstalkd', async () => {
    const own = new ServerProcess([store(), '--beanstalkd', '--loud'])
    expect(await own.ended).toBe(2)
    expect(own.noise[0]).toContain('--loud')
    const dropIn = new ServerProcess(['--beanstalkd', '-Q'])
    expect(await dropIn.ended).toBe(5)
    const user = new ServerProcess([
      ...['--beanstalkd', '-l', '127.0.0.1', '-p0'],
      ...['-u', 'nobody-of-this-name'],
    ])
    expect(await user.ended).toBe(5)
  })

  test('a directory that another process holds: 5, and 10 in the form of beanstalkd', async () => {
    const directory = store()
    await ServerProcess.start([directory, '--beanstalkd', '127.0.0.1:0'])
    const own = new ServerProcess([directory, '--beanstalkd', '127.0.0.1:0'])
    expect(await own.ended).toBe(5)
    expect(own.log.map(({ event }) => event)).toEqual(['starting', 'cannot-serve'])
    expect(own.log.at(-1)).toMatchObject({ code: 'QLOG_LOCKED' })
    const dropIn = new ServerProcess([
      '--beanstalkd',
      '-b',
      directory,
      '-p',
      '0',
      '-l',
      '127.0.0.1',
    ])
    expect(await dropIn.ended).toBe(10)
  })

  test('an address that is taken: 111', async () => {
    const first = await ServerProcess.start([store(), '--beanstalkd', '127.0.0.1:0'])
    const address = first.address('beanstalkd')
    const second = new ServerProcess([store(), '--memcache', address])
    expect(await second.ended).toBe(111)
    expect(second.log.map(({ event }) => event)).toEqual(['starting', 'cannot-serve'])
    expect(second.log.at(-1)).toMatchObject({ code: 'QLOG_ADDRESS' })
  })

  test('a directory with a binlog of beanstalkd is refused: its jobs would be missing', async () => {
    const directory = freshDirectory()
    writeFileSync(join(directory, 'binlog.1'), '')
    const server = new ServerProcess(['--beanstalkd', '-b', directory, '-p0', '-l', '127.0.0.1'])
    expect(await server.ended).toBe(5)
    expect(server.log.at(-1)).toMatchObject({
      remedy: expect.stringContaining('--from-binlog'),
    })
  })

  test('a file where a directory is needed is told as one', async () => {
    const file = join(freshDirectory(), 'file')
    writeFileSync(file, '')
    const server = new ServerProcess([file, '--beanstalkd', '127.0.0.1:0'])
    expect(await server.ended).toBe(2)
    expect(server.log.at(-1)).toMatchObject({
      event: 'cannot-serve',
      message: `ends: ${file} is a file`,
      remedy: expect.stringContaining('A store is a directory'),
    })
    const inside = new ServerProcess(['--beanstalkd', '-b', join(file, 'a/b'), '-p0', '-l', '::1'])
    expect(await inside.ended).toBe(5)
    expect(inside.log.at(-1)).toMatchObject({
      message: `ends: ${file} is a file, so that there can be no ${file}/a/b`,
    })
  })

  test('a directory that the user may not use: whose it is, with which mode, who asked', async () => {
    const directory = freshDirectory()
    const isRoot = process.getuid?.() === 0
    const { gid } = statSync(directory)
    const other = isRoot ? ['-u', 'nobody'] : []
    const owner = isRoot ? 'root' : userInfo().username
    const asked = isRoot ? 'nobody' : owner
    const belongs = `as whom this runs: it belongs to ${owner} and group ${gid}, with mode`
    for (const [mode, done, place, does] of [
      [0o700, 'entered', directory, 'chown -R nobody'],
      [0o711, 'read', directory, 'chown -R nobody'],
      [0o755, 'written to', directory, 'chown -R nobody'],
      [0o755, 'written to', join(directory, 'new/store'), 'install -d -o nobody'],
      [0o700, 'entered', join(directory, 'store'), 'install -d -o nobody'],
    ] as const) {
      // What others lack of it, the owner lacks where nobody else can be asked.
      const shown = isRoot ? mode : (mode & 0o7) * 0o100
      chmodSync(directory, shown)
      const server = new ServerProcess([place, '--beanstalkd', '127.0.0.1:0', ...other])
      expect(await server.ended).toBe(2)
      const octal = shown.toString(8).padStart(4, '0')
      expect(server.log.at(-1)).toMatchObject({
        message: `ends: ${directory} cannot be ${done} by ${asked}, ${belongs} ${octal}`,
        ...(isRoot && { remedy: expect.stringContaining(does) }),
      })
    }
    chmodSync(directory, 0o700)
  })

  test('-v prints the version', async () => {
    const { exitCode, stdout } = await runBuilt(['serve', '--beanstalkd', '-v'])
    expect(exitCode).toBe(0)
    expect(stdout.toString()).toMatch(/^qlog \d+\.\d+\.\d+/)
  })
})

describe('a store that has failed', () => {
  async function failed() {
    const mark = join(freshDirectory(), 'fails')
    const fixture = new URL('./failing-disk.mjs', import.meta.url)
    const words = [store(), '--beanstalkd', '127.0.0.1:0', '--metrics', '127.0.0.1:0']
    const environment = { NODE_OPTIONS: `--import=${fixture}`, FAIL_WHERE: mark }
    const server = await ServerProcess.start(words, { environment })
    const peer = await Peer.connect(server.address('beanstalkd'))
    await ask(peer, PUT, 'INSERTED 1\r\n')
    writeFileSync(mark, '')
    return { server, peer }
  }

  test('is told to whoever waits, and ends the server with 1', async () => {
    const { server, peer } = await failed()
    await ask(peer, PUT, 'INTERNAL_ERROR\r\n')
    expect(await server.ended).toBe(1)
    const events = server.log.map((line) => line['event'])
    expect(events).toEqual(expect.arrayContaining(['store-failed', 'stopped']))
  })

  test('ends with 1 also where it is stopped', async () => {
    const { server, peer } = await failed()
    peer.send(PUT)
    await server.hears('store-failed')
    expect(await server.stop()).toBe(1)
  })
})

describe('metrics and health', () => {
  test('are there over HTTP', async () => {
    const words = [store(), '--beanstalkd', '127.0.0.1:0', '--metrics', '127.0.0.1:0']
    const server = await ServerProcess.start(words)
    const peer = await Peer.connect(server.address('beanstalkd'))
    await ask(peer, PUT, 'INSERTED 1\r\n')
    const at = server.address('metrics')
    expect(await get(at, '/healthz')).toEqual({ status: 200, text: '{"status":"ok"}\n' })
    expect(await get(at, '/livez')).toEqual({ status: 200, text: '{"status":"ok"}\n' })
    const { status, text } = await get(at, '/metrics')
    expect(status).toBe(200)
    expect(text).toContain('qlog_queue_put_total{queue="default"} 1\n')
    expect(text).toMatch(/qlog_server_connections\{protocol="beanstalkd",address="127[^"]+"\} 1\n/)
    expect((await get(at, '/')).status).toBe(404)
    expect((await get(at, '/metrics', 'POST')).status).toBe(405)
    server.signal('SIGUSR1')
    await server.hears('draining')
    expect((await get(at, '/healthz')).text).toBe('{"status":"draining"}\n')
    expect(await server.stop()).toBe(0)
  })
})

describe('TLS and tokens', () => {
  test('both protocols speak it, with a token first', async (context) => {
    const directory = freshDirectory()
    const pem = makeCertificate(directory)
    if (pem === undefined) return context.skip('openssl is not installed')
    const tokens = join(directory, 'tokens')
    writeFileSync(tokens, '# for the shop\nfirst-token\nsecond-token\n')
    const files = [
      '--tls-cert',
      join(directory, 'cert.pem'),
      '--tls-key',
      join(directory, 'key.pem'),
    ]
    const served = ['--memcache', '127.0.0.1:0', '--beanstalkd', '127.0.0.1:0']
    const words = [store(), ...served, ...files, '--token-file', tokens]
    const server = await ServerProcess.start(words)
    const connect = (protocol: string): Peer => {
      const where = target(server.address(protocol))
      return new Peer(tls.connect({ ...where, ca: pem.cert, servername: 'localhost' }))
    }
    const shown = connect('memcache')
    await ask(shown, 'set auth 0 0 17\r\nuser second-token\r\n', 'STORED\r\n')
    await ask(shown, 'set q 0 0 1\r\nx\r\n', 'STORED\r\n')
    const wrong = connect('memcache')
    wrong.send('set auth 0 0 16\r\nuser wrong-token\r\n')
    expect(await wrong.text()).toContain('CLIENT_ERROR')
    await ask(connect('beanstalkd'), PUT, 'UNAUTHORIZED\r\n')
    const jobs = connect('beanstalkd')
    await ask(jobs, `auth first-token\r\n${PUT}`, 'AUTHORIZED\r\nINSERTED 2\r\n')
    expect(await server.stop()).toBe(0)
  })
})

function get(
  address: string,
  path: string,
  method = 'GET',
): Promise<{ status: number; text: string }> {
  const [host, port] = address.split(':')
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, path, method, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    request.on('error', reject)
    request.end()
  })
}
