/** What a test of the log suite works with: openings of one log, their owners, and time. */
import { strict as assert } from 'node:assert'
import { QlogError } from '../../errors.ts'
import type { Entry, OwnedLog } from '../../log/seam.ts'
import type { LogFixture } from '../log-suite.ts'
import { OwnerRecorder } from './owner-recorder.ts'

/** One opening of the log, and what it told its owner. */
export interface Opened {
  readonly log: OwnedLog
  readonly told: OwnerRecorder
}

/** A wait that takes longer is taken to have no end. */
export const WAIT_MS_MAX = 10_000
/** Entries that a test reads at most: more means that reading has no end. */
const ENTRIES_MAX = 1_000_000

export class LogBench {
  readonly fixture: LogFixture
  readonly #recorders: OwnerRecorder[] = []
  #open: Opened[] = []

  constructor(fixture: LogFixture) {
    this.fixture = fixture
  }

  async open(): Promise<Opened> {
    const told = this.#recorder()
    return this.#opened(await this.fixture.open(told), told)
  }

  /** Opens the log elsewhere: whoever has it open is fenced. */
  async takeOver(): Promise<Opened> {
    const told = this.#recorder()
    if (!this.fixture.takeOver) throw lacking('takeOver')
    return this.#opened(await this.fixture.takeOver(told), told)
  }

  /** Closes and opens again. */
  async reopen({ log }: Opened): Promise<Opened> {
    await log.close()
    return this.open()
  }

  /** Ends the process that has the log open. */
  async crash({ told }: Opened): Promise<void> {
    told.silence()
    this.#open = []
    await this.fixture.crash()
  }

  failNextCommit(): void {
    if (!this.fixture.failNextCommit) throw lacking('failNextCommit')
    this.fixture.failNextCommit()
  }

  setFull(full: boolean): void {
    if (!this.fixture.setFull) throw lacking('setFull')
    this.fixture.setFull(full)
  }

  /** Lets time pass. */
  pass(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.fixture.clock.after(ms, resolve, true)
    })
  }

  /** What a promise gives, or an error where that takes too long. */
  async soon<T>(what: string, promise: Promise<T>): Promise<T> {
    let cancel = (): void => undefined
    const late = new Promise<never>((_resolve, reject) => {
      cancel = this.fixture.clock.after(
        WAIT_MS_MAX,
        () => reject(new Error(`${what} takes over ${WAIT_MS_MAX} ms`)),
        true,
      )
    })
    try {
      return await Promise.race([promise, late])
    } finally {
      cancel()
    }
  }

  /** Everything that the log has behind `after`. */
  async entries(log: OwnedLog, after = 0): Promise<Entry[]> {
    const entries: Entry[] = []
    for await (const batch of log.read({ after })) {
      assert.ok(batch.length > 0, 'read gives no empty steps')
      entries.push(...batch)
      if (entries.length > ENTRIES_MAX) throw new Error('reading has no end')
    }
    return entries
  }

  /** No owner heard a word that the contract forbids. */
  assertLawful(): void {
    for (const { violations } of this.#recorders) assert.deepEqual(violations, [])
  }

  /** The end of a test: what is still open is closed, whatever state it is in. */
  async closeAll(): Promise<void> {
    for (const { log } of this.#open.splice(0)) {
      // Some are fenced or failed, and what they say of that is no matter of this test.
      await log.close().catch(() => undefined)
    }
  }

  #recorder(): OwnerRecorder {
    const told = new OwnerRecorder((what, promise) => this.soon(what, promise))
    this.#recorders.push(told)
    return told
  }

  #opened(log: OwnedLog, told: OwnerRecorder): Opened {
    const { words } = told
    assert.deepEqual(words, [], 'the first word comes after the opening resolved')
    const opened = { log, told }
    this.#open.push(opened)
    return opened
  }
}

/** Checks that something throws a typed error with this code. */
export function throwsCode(code: string, call: () => unknown): void {
  assert.throws(call, hasCode(code))
}

/** Checks that a promise rejects with a typed error with this code. */
export async function rejectsCode(code: string, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, hasCode(code))
}

function hasCode(code: string): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof QlogError, `${String(error)} instead of a QlogError ${code}`)
    assert.equal(error.code, code)
    return true
  }
}

function lacking(power: string): Error {
  return new Error(`the fixture has no ${power}: add it, or name it in lacks`)
}
