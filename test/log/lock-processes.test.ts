/**
 * The lock between real processes. They run the built `dist/`, since not every supported Node can
 * run TypeScript: `npm test` builds it first.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import * as readline from 'node:readline'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

const root = path.resolve(import.meta.dirname, '../..')
const fixture = path.join(import.meta.dirname, 'fixtures/lock-holder.mjs')
/** A container's view: pids begin at 1 again, and no network is shared. */
const NAMESPACES = ['--pid', '--net', '--mount-proc', '--fork', '--kill-child']
const canUnshare =
  process.platform === 'linux' && spawnSync('unshare', [...NAMESPACES, 'true']).status === 0

let directory = ''
let holders: Holder[] = []

interface Holder {
  readonly process: ChildProcess
  readonly lines: AsyncIterator<string>
  readonly ended: Promise<void>
}

function holder(inNamespaces: boolean): Holder {
  const command = [process.execPath, fixture, directory]
  const [program = '', ...args] = inNamespaces ? ['unshare', ...NAMESPACES, ...command] : command
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  // Closed, not only ended: then the last process that had the output is gone.
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const started: Holder = { process: child, lines, ended }
  holders.push(started)
  return started
}

async function lineOf(from: Holder): Promise<string> {
  const line = await from.lines.next()
  return line.done === true ? 'it ended without a word' : line.value
}

async function kill(victim: Holder): Promise<void> {
  victim.process.kill('SIGKILL')
  await victim.ended
}

beforeAll(() => {
  const built = path.join(root, 'dist/log/lock.js')
  if (!fs.existsSync(built)) throw new Error(`${built} is missing: run \`npm run build\` first`)
  if (!canUnshare) console.warn('SKIPPED: two namespaces need Linux, unshare(1) and root')
})

beforeEach(() => {
  const base = fs.mkdtempSync(path.join(os.tmpdir(), 'qlog-lock-'))
  directory = path.join(base, 'd'.repeat(120))
  fs.mkdirSync(directory)
  holders = []
})

afterEach(async () => {
  for (const one of holders) await kill(one)
  fs.rmSync(path.dirname(directory), { recursive: true, force: true })
})

describe.each([
  ['of one machine', false],
  ['in two pid and network namespaces', true],
])('two processes %s', (_where, inNamespaces) => {
  test.skipIf(inNamespaces && !canUnshare)(
    // Museum: stellar-core #883, where pid files go stale.
    'the second is refused naming the first, and opens after its SIGKILL',
    async () => {
      const first = holder(inNamespaces)
      const held = await lineOf(first)
      expect(held).toMatch(/^held epoch 1 pid \d+ true$/)
      const pid = held.split(' ')[4]
      const refused = await lineOf(holder(inNamespaces))
      expect(refused).toMatch(/^QLOG_LOCKED /)
      expect(refused).toContain(`process ${pid} on ${os.hostname()} since `)
      await kill(first)
      const next = holder(inNamespaces)
      expect(await lineOf(next)).toMatch(/^held epoch 2 pid \d+ true$/)
      next.process.stdin?.end()
      expect(await lineOf(next)).toBe('released')
      expect(fs.readdirSync(directory)).toEqual(['LOCK'])
    },
  )

  // Museum: chronicle #629, #696, where time that has passed is taken for proof of death.
  test.skipIf(inNamespaces && !canUnshare)('a stopped owner is alive', async () => {
    const first = holder(false)
    expect(await lineOf(first)).toMatch(/^held epoch 1 /)
    first.process.kill('SIGSTOP')
    expect(await lineOf(holder(inNamespaces))).toMatch(/^QLOG_LOCKED /)
    first.process.kill('SIGCONT')
    first.process.stdin?.end()
    expect(await lineOf(first)).toBe('released')
    expect(await lineOf(holder(inNamespaces))).toMatch(/^held epoch 2 /)
  })
})

test('of ten processes that race for the lock of a killed owner, one gets it', async () => {
  const dead = holder(false)
  expect(await lineOf(dead)).toMatch(/^held/)
  await kill(dead)
  const said = await Promise.all(Array.from({ length: 10 }, () => lineOf(holder(false))))
  expect(said.filter((line) => line.startsWith('held epoch 2 '))).toHaveLength(1)
  expect(said.filter((line) => line.startsWith('QLOG_LOCKED '))).toHaveLength(9)
})
