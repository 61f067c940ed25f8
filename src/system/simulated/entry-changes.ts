/**
 * Changes of names that no directory flush has covered, and what becomes of them: kept by a flush,
 * kept or lost each for itself by a power cut. Pure.
 */
import type { Inode } from './inode.ts'
import type { Random } from './random.ts'

/**
 * A change of names that no directory flush has covered. Each is kept or lost as a whole by a power
 * cut, whatever becomes of the others: a rename never leaves neither name.
 */
export interface EntryChange {
  /** Place among all changes of the disk, in the order in which they were made. */
  readonly serial: number
  readonly inode: Inode
  /** The name that goes. */
  readonly removed: Place | undefined
  /** The name that comes, replacing what stands there. */
  readonly added: Place | undefined
}

export interface Place {
  readonly directory: Inode
  readonly name: string
}

export class EntryChanges {
  #changes: EntryChange[] = []

  get pending(): readonly EntryChange[] {
    return this.#changes
  }

  add(change: EntryChange): void {
    this.#changes.push(change)
  }

  /** Makes the newest change durable without the older ones: for files that tests plant. */
  keepNewest(): void {
    const change = this.#changes.pop()
    if (change === undefined) throw new Error('no change of names is pending')
    keepChange(change)
  }

  /** Ends all changes in the directory: each is kept, or lost where `keeps` says no. */
  settle(directory: Inode, keeps: () => boolean): void {
    // Backwards: a rename between two directories draws in what happened before it in the other.
    const directories = new Set([directory])
    const settled: EntryChange[] = []
    const left: EntryChange[] = []
    for (const change of this.#changes.toReversed()) {
      if (!touchesDirectory(change, directories)) {
        left.push(change)
        continue
      }
      settled.push(change)
      if (change.removed !== undefined) directories.add(change.removed.directory)
      if (change.added !== undefined) directories.add(change.added.directory)
    }
    this.#changes = left.reverse()
    for (const change of settled.reverse()) if (keeps()) keepChange(change)
  }

  powerCut(random: Random): void {
    // Half of the cuts keep the order of a journal: a prefix of the changes. The others don't.
    const ordered = random.chance(0.5)
    const keptCount = random.below(this.#changes.length + 1)
    this.#changes.forEach((change, index) => {
      if (ordered ? index < keptCount : random.chance(0.5)) keepChange(change)
    })
    this.#changes = []
  }

  /** The same where it is told which are kept. */
  powerCutKeeping(keeps: (change: EntryChange) => boolean): void {
    for (const change of this.#changes) if (keeps(change)) keepChange(change)
    this.#changes = []
  }

  /** The same changes on another disk, whose inodes `copyOf` knows. */
  copyTo(target: EntryChanges, copyOf: (inode: Inode) => Inode): void {
    const placeOf = (place: Place | undefined): Place | undefined =>
      place && { directory: copyOf(place.directory), name: place.name }
    target.#changes = this.#changes.map((change) => {
      const removed = placeOf(change.removed)
      const added = placeOf(change.added)
      const { serial } = change
      return { serial, inode: copyOf(change.inode), removed, added }
    })
  }
}

function touchesDirectory(change: EntryChange, directories: ReadonlySet<Inode>): boolean {
  const { removed, added } = change
  return (
    (removed !== undefined && directories.has(removed.directory)) ||
    (added !== undefined && directories.has(added.directory))
  )
}

/** Makes the change durable. A name is removed only from the file whose removal was asked for. */
function keepChange(change: EntryChange): void {
  const { removed, added, inode } = change
  if (removed !== undefined && removed.directory.durableEntries.get(removed.name) === inode) {
    removed.directory.durableEntries.delete(removed.name)
  }
  if (added !== undefined) added.directory.durableEntries.set(added.name, inode)
}
