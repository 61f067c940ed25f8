/** A commit group under way: its bytes, where they go, and how far it has come. */
import { nothingTakenError } from '../errors.ts'
import type { FileHandle } from '../system/system.ts'
import type { CommitGroup } from './group.ts'
import type { OwnSegment } from './segment-file.ts'

export interface Flight {
  readonly segment: OwnSegment
  /** Contiguous pieces of the one write: LINK where the group opens its segment, then the records. */
  readonly pieces: readonly Uint8Array[]
  readonly offset: number
  readonly end: number
  /** Where the records come from; given back once nothing refers to its bytes. */
  readonly group: CommitGroup | undefined
  /** Appends that this group resolves; 0 = none. */
  readonly firstTicket: number
  readonly lastTicket: number
  readonly messages: number
  readonly messageBytes: number
  readonly nextId: number
  readonly timeMs: number
  /** First group of its segment: nothing follows before it has resolved. */
  readonly opensSegment: boolean
  /** Must be on stable storage in every mode before it resolves. */
  readonly mustFlush: boolean
  readonly startedMs: number
  /** What a group without appends was for. */
  readonly resolved?: () => void
  /** The write, and its flush where the mode asks for one, have returned. */
  written: boolean
  /** The lock was seen held after that. */
  confirmed: boolean
  /** Resolved, possibly by appendSync before the asynchronous write returned. */
  settled: boolean
}

/** Writes the pieces in one positional write where the file system takes all of them at once. */
export async function writePieces(flight: Flight, handle: FileHandle): Promise<void> {
  const total = flight.end - flight.offset
  let done =
    flight.pieces.length === 1
      ? await handle.write(firstPiece(flight), flight.offset)
      : await handle.writeMany(flight.pieces, flight.offset)
  while (done < total) {
    const rest = piecesFrom(flight.pieces, done)
    const written = await handle.writeMany(rest, flight.offset + done)
    if (written === 0) throw nothingTakenError()
    done += written
  }
}

/** The same bytes to the same place again, synchronously. */
export function writePiecesSync(flight: Flight, handle: FileHandle): void {
  let at = flight.offset
  for (const piece of flight.pieces) {
    for (let done = 0; done < piece.length; ) {
      const written = handle.writeSync(done === 0 ? piece : piece.subarray(done), at + done)
      if (written === 0) throw nothingTakenError()
      done += written
    }
    at += piece.length
  }
}

function firstPiece(flight: Flight): Uint8Array {
  const piece = flight.pieces[0]
  if (piece === undefined) throw new Error('a flight has bytes')
  return piece
}

function piecesFrom(pieces: readonly Uint8Array[], skipBytes: number): Uint8Array[] {
  const rest: Uint8Array[] = []
  let skip = skipBytes
  for (const piece of pieces) {
    if (skip < piece.length) rest.push(skip === 0 ? piece : piece.subarray(skip))
    skip = Math.max(0, skip - piece.length)
  }
  return rest
}
