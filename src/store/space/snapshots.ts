/**
 * When the state is saved and how: every slice as of one moment, those that did not change by name alone,
 * encoded piece by piece so that nothing waits for it.
 */
import { QlogError } from '../../errors.ts'
import type { PartToSave } from '../../log/seam.ts'
import type { Clock } from '../../system/system.ts'
import { ByteReader, ByteWriter } from '../containers/varint.ts'
import { loadSlices } from '../state/load-slices.ts'
import { type Slice, slicesOf } from '../state/slices.ts'
import type { StoreState } from '../state/store-state.ts'
import type { StoreCore } from '../store-core.ts'
import { turn } from '../turn.ts'

const MIB = 1024 * 1024
/** A snapshot is due after so many bytes of control records, or twice its size. */
const CONTROL_BYTES_MIN = MIB
const CONTROL_FACTOR = 2
/** While the disk is full, after these or once its size. */
const FULL_CONTROL_BYTES_MIN = 64 * 1024
/** And after so many appended bytes, or eight times its size. */
const APPENDED_BYTES_MIN = 64 * MIB
const APPENDED_FACTOR = 8
/** What the log asks for is tried again after so many bytes, and no sooner. */
const AGAIN_BYTES_MIN = 64 * 1024
/** What is encoded in one turn of the event loop, so that none takes long. */
const TURN_BYTES = 512 * 1024
const TURN_MS = 4
/** Of each queue, keys that are looked at with every save: in one that gets no more messages nothing else does. */
const KEYS_A_SAVE = 1_024

export interface SavedSlice {
  readonly version: number
  readonly pieces: number
  readonly bytes: number
}

/** A slice as of the moment of the save. */
interface CapturedSlice {
  readonly slice: Slice
  /** 'later': it is frozen, to be encoded when it is its turn. What was saved, where it did not change. */
  readonly content: Uint8Array | 'later' | SavedSlice
}

export class Snapshots {
  readonly #core: StoreCore
  #saved = new Map<string, SavedSlice>()
  #controlBytes = 0
  #appendedBytes = 0
  /**
   * After a save that failed, not before so much has come. One that did not may be followed at once: it
   * takes two to move the root, and acknowledgements in batches are next to no bytes.
   */
  #againAtBytes = 0
  #saving: Promise<void> | undefined
  /** Part of what was saved cannot be read any more: none of it is called unchanged until all is saved anew. */
  #isSavedDamaged = false
  /** Bytes of the whole state as it was saved last. */
  stateBytes = 0
  savedBytes = 0

  /** `loaded` is what opening found saved, as it was before anything was replayed. */
  constructor(core: StoreCore, loaded: ReadonlyMap<string, SavedSlice>) {
    this.#core = core
    this.#saved = new Map(loaded)
    this.stateBytes = bytesOf(loaded)
  }

  /**
   * Called after every group: saves in the background where that is due. On a full disk no further group may come,
   * so that the second of the two that move the root follows by itself.
   */
  applied(isSecond = false): void {
    if (this.#saving !== undefined) return
    const { controlBytes, appendedBytes } = this.#core.journal
    // On a full disk control records live on a reserve, and only a save can give back what they take.
    const control = this.#core.isFull
      ? Math.max(FULL_CONTROL_BYTES_MIN, this.stateBytes)
      : Math.max(CONTROL_BYTES_MIN, CONTROL_FACTOR * this.stateBytes)
    const appended = Math.max(APPENDED_BYTES_MIN, APPENDED_FACTOR * this.stateBytes)
    const isDue =
      controlBytes - this.#controlBytes >= control ||
      appendedBytes - this.#appendedBytes >= appended ||
      (this.#core.log.isSnapshotDue && controlBytes + appendedBytes >= this.#againAtBytes)
    if (!isDue) return
    // Not again before as much has come: the disk may be full.
    this.#controlBytes = controlBytes
    this.#appendedBytes = appendedBytes
    // It costs time at the next opening where it cannot be written, and nothing else.
    this.save(false).then(
      () => {
        if (this.#core.isFull && !isSecond) this.applied(true)
      },
      (error: unknown) => {
        if (!(error instanceof QlogError)) throw error
        this.#againAtBytes = controlBytes + appendedBytes + AGAIN_BYTES_MIN
      },
    )
  }

  /** Saves the state as it is once this is its turn. */
  async save(isWhole: boolean): Promise<void> {
    while (this.#saving !== undefined) await this.#saving.catch(() => undefined)
    this.#saving = this.#saveAndTell(isWhole || this.#isSavedDamaged).finally(() => {
      this.#saving = undefined
    })
    await this.#saving
  }

  /** The last save, behind which no next one makes up for what cannot be read. */
  async saveAtEnd(): Promise<void> {
    try {
      await this.save(false)
    } catch (error) {
      if (!isDamage(error)) throw error
      await this.save(false)
    }
  }

  async settled(): Promise<void> {
    await this.#saving?.catch(() => undefined)
  }

  async #saveAndTell(isWhole: boolean): Promise<void> {
    const { system, watch } = this.#core
    const startedMs = system.clock.monotonicMs()
    const savedBytes = this.savedBytes
    let error: Error | undefined
    try {
      await this.#save(isWhole)
    } catch (problem) {
      error = problem instanceof Error ? problem : new Error(String(problem))
      if (isDamage(problem)) this.#isSavedDamaged = true
      throw problem
    } finally {
      const { stateBytes } = this
      watch.saved({ startedMs, bytes: this.savedBytes - savedBytes, stateBytes, error })
    }
  }

  async #save(isWhole: boolean): Promise<void> {
    const { journal, log, state } = this.#core
    state.pruneKeys(KEYS_A_SAVE)
    const before = this.#saved
    const encoded = await this.#encodeAhead(before, isWhole)
    const at = journal.stateLsn()
    const controlBytes = journal.controlBytes
    const appendedBytes = journal.appendedBytes
    const captured: CapturedSlice[] = []
    const saved = new Map<string, SavedSlice>()
    try {
      for (const slice of slicesOf(state)) captured.push(capture(slice, before, encoded, isWhole))
      const parts = this.#partsOf(captured, saved, at)
      await log.saveSnapshot(parts, isWhole ? { whole: true } : {})
    } finally {
      for (const { slice, content } of captured) if (content === 'later') slice.freezable?.thaw()
    }
    this.#saved = saved
    if (isWhole) this.#isSavedDamaged = false
    this.#controlBytes = controlBytes
    this.#appendedBytes = appendedBytes
    this.stateBytes = bytesOf(saved)
  }

  /** Encodes what changed over several turns: at the moment of the save little is left to do. */
  async #encodeAhead(
    before: ReadonlyMap<string, SavedSlice>,
    isWhole: boolean,
  ): Promise<Map<string, { readonly version: number; readonly bytes: Uint8Array }>> {
    const encoded = new Map<string, { readonly version: number; readonly bytes: Uint8Array }>()
    const pace = new Pace(this.#core.system.clock)
    for (const slice of slicesOf(this.#core.state)) {
      if (slice.freezable || (!isWhole && savedOf(slice, before))) continue
      const own = slice.encode()
      encoded.set(slice.name, { version: slice.version, bytes: own })
      if (pace.isTurnOver(own.length)) await pace.nextTurn()
    }
    return encoded
  }

  async *#partsOf(
    captured: readonly CapturedSlice[],
    saved: Map<string, SavedSlice>,
    at: number,
  ): AsyncGenerator<PartToSave> {
    const { partBytesMax } = this.#core.log.limits
    const pace = new Pace(this.#core.system.clock)
    for (const { slice, content } of captured) {
      const { name, version } = slice
      if (content !== 'later' && 'pieces' in content) {
        for (let piece = 0; piece < content.pieces; piece++)
          yield [pieceName(name, piece), at, 'unchanged']
        saved.set(name, content)
        continue
      }
      const bytes = content === 'later' ? slice.encode() : content
      if (content === 'later' && pace.isTurnOver(bytes.length)) await pace.nextTurn()
      const pieces = piecesOf(bytes, partBytesMax)
      for (const [row, piece] of pieces.entries()) {
        this.savedBytes += piece.length
        yield [pieceName(name, row), at, piece]
      }
      saved.set(name, { version, pieces: pieces.length, bytes: bytes.length })
    }
  }
}

/** Tells when to let everything else have its turn. */
class Pace {
  readonly #clock: Clock
  #bytes = 0
  #beganMs: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#beganMs = clock.monotonicMs()
  }

  isTurnOver(bytes: number): boolean {
    this.#bytes += bytes
    return this.#bytes >= TURN_BYTES || this.#clock.monotonicMs() - this.#beganMs >= TURN_MS
  }

  async nextTurn(): Promise<void> {
    await turn(this.#clock)
    this.#bytes = 0
    this.#beganMs = this.#clock.monotonicMs()
  }
}

function isDamage(error: unknown): boolean {
  return error instanceof QlogError && error.code === 'QLOG_DAMAGED'
}

function bytesOf(saved: ReadonlyMap<string, SavedSlice>): number {
  let sum = 0
  for (const { bytes } of saved.values()) sum += bytes
  return sum
}

/** What was saved of it, where it has not changed since. */
function savedOf(slice: Slice, before: ReadonlyMap<string, SavedSlice>): SavedSlice | undefined {
  const old = before.get(slice.name)
  return old && !slice.isChangedSince(old.version) ? old : undefined
}

function capture(
  slice: Slice,
  before: ReadonlyMap<string, SavedSlice>,
  encoded: ReadonlyMap<string, { readonly version: number; readonly bytes: Uint8Array }>,
  isWhole: boolean,
): CapturedSlice {
  const saved = isWhole ? undefined : savedOf(slice, before)
  if (saved) return { slice, content: saved }
  if (slice.freezable) {
    slice.freezable.freeze()
    return { slice, content: 'later' }
  }
  const ahead = encoded.get(slice.name)
  const isFresh = ahead !== undefined && !slice.isChangedSince(ahead.version)
  return { slice, content: isFresh ? ahead.bytes : slice.encode() }
}

function pieceName(slice: string, piece: number): string {
  return piece === 0 ? slice : `${slice}#${piece}`
}

/** The first piece tells how many there are. */
function piecesOf(bytes: Uint8Array, partBytesMax: number): Uint8Array[] {
  const room = partBytesMax - 8
  const count = Math.max(1, Math.ceil(bytes.length / room))
  const pieces: Uint8Array[] = []
  for (let piece = 0; piece < count; piece++) {
    const own = bytes.subarray(piece * room, (piece + 1) * room)
    if (piece > 0) pieces.push(own)
    else {
      const writer = new ByteWriter(own.length + 8)
      writer.varint(count)
      writer.bytes(own)
      pieces.push(writer.finish())
    }
  }
  return pieces
}

/** A state that was saved, and what of it need not be saved again while it stays as it is. */
export interface LoadedState {
  readonly state: StoreState
  readonly saved: ReadonlyMap<string, SavedSlice>
}

/** The state that was saved in these parts. Throws QLOG_NEWER_FORMAT, QLOG_DAMAGED. */
export async function loadState(
  parts: ReadonlyMap<string, { read(): Promise<Uint8Array> }>,
): Promise<LoadedState> {
  const slices = new Map<string, Uint8Array>()
  const counts = new Map<string, number>()
  for (const [name, part] of parts) {
    if (name.includes('#')) continue
    const first = new ByteReader(await part.read())
    const count = first.varint()
    const pieces = [first.bytes(first.rest)]
    for (let piece = 1; piece < count; piece++) {
      const more = parts.get(pieceName(name, piece))
      if (!more) {
        throw new QlogError('QLOG_DAMAGED', `the saved state lacks piece ${piece} of "${name}"`)
      }
      pieces.push(await more.read())
    }
    slices.set(name, joined(pieces))
    counts.set(name, count)
  }
  const state = loadSlices(slices)
  const saved = new Map<string, SavedSlice>()
  for (const { name, version } of slicesOf(state)) {
    const pieces = counts.get(name)
    const bytes = slices.get(name)?.length ?? 0
    if (pieces !== undefined) saved.set(name, { version, pieces, bytes })
  }
  return { state, saved }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces
  if (only && pieces.length === 1) return only
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
