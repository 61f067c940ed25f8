/**
 * The lock under every order of calls: in each run the simulated machine decides which call happens
 * next, and openers are killed, paused, failed or lose power at any call.
 */
import { describe, expect, test } from 'vitest'
import { QlogError } from '../../src/errors.ts'
import { type AcquireOptions, acquireLock, type Lock } from '../../src/log/lock.ts'
import type { SimulatedProcess } from '../../src/system/simulated/process.ts'
import { Random } from '../../src/system/simulated/random.ts'
import { type CrashKind, Simulation } from '../../src/system/simulated/simulation.ts'

const DIRECTORY = '/log'
const SCHEDULES = Number(process.env['QLOG_LOCK_SCHEDULES'] ?? 3000)
const ONLY_SEED = process.env['QLOG_LOCK_SEED']
const MOMENTS = ['before', 'during', 'after'] as const

interface Opener {
  readonly process: SimulatedProcess
  state: 'opening' | 'holding' | 'ended'
  lock: Lock | undefined
  error: unknown
}

/** Everything one run knows, and the invariants that hold throughout. */
class Run {
  readonly simulation: Simulation
  readonly openers: Opener[] = []
  /** A broken invariant; thrown at the end, since openers' promises are not awaited. */
  broken: Error | undefined
  epochMax = 0

  constructor(seed: number, crashSeed = seed) {
    this.simulation = new Simulation({ seed, crashSeed })
  }

  async start(): Promise<void> {
    const maker = this.simulation.process('maker')
    await this.simulation.run(async () => {
      await maker.files.makeDirectory(DIRECTORY)
      await maker.files.flushDirectory('/')
    })
  }

  get holders(): Opener[] {
    return this.openers.filter((opener) => opener.state === 'holding' && opener.process.alive)
  }

  /** Starts an opener in a process of its own; `then` is what it does with the lock. */
  open(
    then: (opener: Opener, lock: Lock) => Promise<void> = async () => {},
    options: AcquireOptions = {},
  ): Opener {
    const process = this.simulation.process('opener')
    const opener: Opener = { process, state: 'opening', lock: undefined, error: undefined }
    this.openers.push(opener)
    const life = async (): Promise<void> => {
      try {
        const lock = await acquireLock(process, DIRECTORY, options)
        opener.lock = lock
        opener.state = 'holding'
        this.expectGoodEntry(lock)
        await then(opener, lock)
      } catch (error) {
        opener.error = error
        opener.state = 'ended'
      }
    }
    void process.run(life)
    return opener
  }

  expectGoodEntry(lock: Lock): void {
    const { holders } = this
    if (holders.length !== 1) this.broken ??= new Error(`${holders.length} hold the lock at once`)
    if (lock.epoch <= this.epochMax) this.broken ??= new Error(`epoch ${lock.epoch} came again`)
    this.epochMax = Math.max(this.epochMax, lock.epoch)
  }

  /** Lets everything happen that can; paused ones stay where they are. */
  async settle(): Promise<void> {
    await this.simulation.settle()
    if (this.broken !== undefined) throw this.broken
  }

  async openAlone(): Promise<Opener> {
    const opener = this.open()
    await this.settle()
    return opener
  }

  /** The end of every run: an opener gets in, or exactly one living holder keeps it out. */
  async expectOneOwner(): Promise<void> {
    this.simulation.clearPlans()
    this.simulation.clearFaults()
    const [holder] = this.holders
    const next = await this.openAlone()
    const owner = holder ?? next
    if (holder === undefined) {
      expect(next.error, 'somebody can open afterwards').toBeUndefined()
      expect(next.state, 'somebody can open afterwards').toBe('holding')
      const names = await this.simulation.run(() => next.process.files.list(DIRECTORY))
      expect(names.sort()).toEqual(['LOCK', `lock-${next.lock?.random}.sock`])
    } else {
      expect(codeOf(next)).toBe('QLOG_LOCKED')
      expect(String(next.error)).toContain(`process ${holder.process.identity.pid} on simulated`)
    }
    expect(await this.simulation.run(async () => owner.lock?.isHeld())).toBe(true)
  }
}

function codeOf(opener: Opener): string {
  return opener.error instanceof QlogError ? opener.error.code : String(opener.error)
}

function expectRefusedPolitely(opener: Opener): void {
  if (opener.error !== undefined) expect(codeOf(opener), String(opener.error)).toBe('QLOG_LOCKED')
}

async function useAndRelease(opener: Opener, lock: Lock): Promise<void> {
  if (!(await lock.isHeld())) throw new Error('a living holder was fenced')
  await lock.raiseEpoch(lock.epoch + 1)
  if (!(await lock.isHeld())) throw new Error('a living holder was fenced')
  opener.state = 'ended'
  await lock.release()
}

const pasts = [
  'no LOCK',
  'dead owner',
  'released',
  'dead winner',
  'dead twice',
  'half way',
] as const
type Past = (typeof pasts)[number]

/** Brings the directory into a state that an opener may find. */
async function prepare(run: Run, past: Past): Promise<void> {
  await run.start()
  if (past === 'no LOCK') return
  const owner = run.open(past === 'released' ? useAndRelease : undefined)
  await run.settle()
  if (past === 'released') return
  run.simulation.kill(owner.process)
  const winners = { 'dead owner': 0, 'dead winner': 1, 'dead twice': 2, 'half way': 1 }[past]
  for (let count = 0; count < winners; count += 1) {
    // An error names no moment of death, so its first hit tells where to kill: right behind it.
    const winner = run.open()
    await killBehind(run, winner, past === 'half way' ? 'rename' : 'link')
  }
}

/** Kills the opener after its link to LOCK-after-*, or after its rename to LOCK. */
async function killBehind(run: Run, opener: Opener, call: 'link' | 'rename'): Promise<void> {
  const { files } = opener.process
  const original = files[call].bind(files)
  files[call] = async (from, to) => {
    await original(from, to)
    if (to.includes('/LOCK')) {
      run.simulation.kill(opener.process)
      await new Promise(() => {})
    }
  }
  await run.settle()
  expect(opener.process.alive).toBe(false)
}

interface Calls {
  readonly first: number
  readonly last: number
}

/** The numbers of the calls that one opener makes from opening to the end of release. */
async function callsOf(past: Past, seed: number): Promise<Calls> {
  const run = new Run(seed)
  await prepare(run, past)
  const first = run.simulation.callCount + 1
  const opener = run.open(useAndRelease)
  await run.settle()
  expect(opener.error).toBeUndefined()
  return { first, last: run.simulation.callCount }
}

async function prepared(past: Past, seed: number, crashSeed = seed): Promise<Run> {
  const run = new Run(seed, crashSeed)
  await prepare(run, past)
  return run
}

describe.each(pasts)('an opener that finds: %s', (past) => {
  test.each<[string, CrashKind, number]>([
    ['killed', 'kill', 1],
    ['robbed of power', 'power-cut', 6],
  ])('%s at any call of open, raise and release: exactly one next opener wins', async (...args) => {
    const [, kind, crashSeeds] = args
    const { first, last } = await callsOf(past, 1)
    expect(last - first).toBeGreaterThan(20)
    for (let at = first; at <= last; at += 1) {
      for (const moment of MOMENTS) {
        for (let crashSeed = 1; crashSeed <= crashSeeds; crashSeed += 1) {
          const run = await prepared(past, 1, crashSeed)
          run.simulation.crashAt(at, kind, moment)
          const victim = run.open(useAndRelease)
          await run.settle()
          expect(victim.process.alive).toBe(false)
          await run.expectOneOwner()
        }
      }
    }
  })

  test('paused at any call: it lives, so others are refused or it is', async () => {
    const { first, last } = await callsOf(past, 1)
    for (let at = first; at <= last; at += 1) {
      const run = await prepared(past, 1)
      run.simulation.at(at, 'before', (process) => process.pause())
      const paused = run.open(useAndRelease)
      await run.settle()
      expect(paused.process.paused).toBe(true)
      const other = await run.openAlone()
      expectRefusedPolitely(other)
      paused.process.resume()
      await run.settle()
      expectRefusedPolitely(paused)
      await run.expectOneOwner()
    }
  })

  test('one paused at any call while another is killed at any call: one opener wins', async () => {
    const { first, last } = await callsOf(past, 1)
    const count = last - first
    for (let pausedAt = 0; pausedAt <= count; pausedAt += 3) {
      for (let killedAt = 0; killedAt <= count; killedAt += 2) {
        const run = await prepared(past, 1)
        run.simulation.at(first + pausedAt, 'before', (process) => process.pause())
        const paused = run.open(useAndRelease)
        await run.settle()
        run.simulation.crashAt(run.simulation.callCount + 1 + killedAt, 'kill', 'after')
        const killed = run.open(useAndRelease)
        await run.settle()
        if (killed.process.alive) expectRefusedPolitely(killed)
        paused.process.resume()
        await run.settle()
        if (paused.process.alive) expectRefusedPolitely(paused)
        await run.expectOneOwner()
      }
    }
  })

  test('any call fails: a typed error, and the next opener wins', async () => {
    const kinds = [
      ['open', 'read', 'write', 'flush', 'handleStat', 'close', 'stat'],
      ['list', 'link', 'rename', 'unlink', 'flushDirectory', 'listen', 'stopListening'],
    ] as const
    let hits = 0
    for (const call of kinds.flat()) {
      for (let nth = 1; nth <= 12; nth += 1) {
        const run = await prepared(past, nth)
        const fault = run.simulation.fault({ call, nth, error: 'EIO' })
        const opener = run.open(useAndRelease)
        await run.settle()
        hits += fault.hits
        if (fault.hits === 0) break
        if (opener.error !== undefined) expect(codeOf(opener)).toBe('QLOG_IO')
        // A socket whose closing failed listens until its process ends.
        run.simulation.kill(opener.process)
        await run.expectOneOwner()
      }
    }
    expect(hits).toBeGreaterThan(20)
  })
})

/** A place where a process waits until the test lets it go on. */
function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = (): void => {}
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open: () => open() }
}

test('a winner that gave up and died is not followed where its link is gone', async () => {
  const run = await prepared('dead owner', 1)
  const abort = new AbortController()
  const gates = { unlink: gate(), probe: gate(), rename: gate() }

  // The winner is aborted behind its link, removes that, and dies.
  const winner = run.open(undefined, { signal: abort.signal })
  const { files } = winner.process
  const { link, unlink } = { link: files.link.bind(files), unlink: files.unlink.bind(files) }
  files.link = (from, to) => link(from, to).finally(() => abort.abort())
  files.unlink = async (path) => {
    await gates.unlink.passed
    await unlink(path)
    run.simulation.kill(winner.process)
    await new Promise(() => {})
  }
  await run.settle()

  // The follower has read that link and is about to ask whether its maker lives.
  const follower = run.open()
  const { sockets } = follower.process
  const probe = sockets.probe.bind(sockets)
  let probes = 0
  sockets.probe = async (path) => {
    probes += 1
    if (probes === 2) await gates.probe.passed
    return probe(path)
  }
  await run.settle()
  gates.unlink.open()
  await run.settle()
  expect(winner.process.alive).toBe(false)

  // Another one wins the link that is free again, looks again, and is about to rename.
  const heir = run.open()
  const rename = heir.process.files.rename.bind(heir.process.files)
  heir.process.files.rename = async (from, to) => {
    if (to.endsWith('/LOCK')) await gates.rename.passed
    return rename(from, to)
  }
  await run.settle()
  gates.probe.open()
  await run.settle()
  gates.rename.open()
  await run.settle()
  expect(heir.state).toBe('holding')
  expect(codeOf(follower)).toBe('QLOG_LOCKED')
  await run.expectOneOwner()
})

/** Waves of openers in any order, each killed, paused or robbed of power at any call. */
async function randomRun(seed: number): Promise<void> {
  const random = new Random(seed)
  const run = new Run(seed)
  const { simulation } = run
  await prepare(run, random.pick(pasts))
  const live = async (opener: Opener, lock: Lock): Promise<void> => {
    for (let count = random.below(6); count > 0; count -= 1) {
      if (!(await lock.isHeld())) run.broken ??= new Error('a living holder was fenced')
    }
    if (random.chance(0.6)) await useAndRelease(opener, lock)
  }
  for (let wave = random.between(1, 3); wave > 0; wave -= 1) {
    simulation.clearPlans()
    const openers = Array.from({ length: random.between(2, 3) }, () => run.open(live))
    const planned = new Set<number>()
    for (let plan = random.below(7); plan > 0; plan -= 1) {
      const at = simulation.callCount + random.between(1, 40 * openers.length)
      if (planned.has(at)) continue
      planned.add(at)
      const moment = random.pick(MOMENTS)
      if (random.chance(0.1)) simulation.crashAt(at, 'power-cut', moment)
      else if (random.chance(0.5)) simulation.crashAt(at, 'kill', moment)
      else simulation.at(at, 'before', (process) => process.pause())
    }
    await run.settle()
    if (random.chance(0.3)) for (const holder of run.holders) simulation.kill(holder.process)
    if (random.chance(0.5)) openers.push(run.open(live))
    await run.settle()
    for (const opener of openers) opener.process.resume()
    await run.settle()
    for (const opener of openers) if (opener.process.alive) expectRefusedPolitely(opener)
  }
  simulation.clearPlans()
  for (const opener of run.openers) opener.process.resume()
  await run.settle()
  await run.expectOneOwner()
}

describe('openers racing in random orders', () => {
  test(`${SCHEDULES} schedules: never two holders, never nobody able to open`, async () => {
    const seeds =
      ONLY_SEED === undefined
        ? Array.from({ length: SCHEDULES }, (_, index) => index + 1)
        : [Number(ONLY_SEED)]
    for (const seed of seeds) {
      try {
        await randomRun(seed)
      } catch (cause) {
        const repeat = `QLOG_LOCK_SEED=${seed} npx vitest run test/log/lock-races.test.ts -t random`
        throw new Error(`seed ${seed} failed; repeat it with: ${repeat}`, { cause })
      }
    }
    expect(seeds.length).toBeGreaterThan(0)
  })
})
