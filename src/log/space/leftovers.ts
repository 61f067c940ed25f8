/**
 * Files of merges and mendings that no map named when the log was opened: they go once a LINK of this opening
 * is durable, which keeps maps of earlier owners out of force. Copies of what the map names are deleted, before
 * that too where the disk is full; what may be the only one of its kind is set aside. Touches these files alone.
 */
import type { System } from '../../system/system.ts'
import { type LeftBehind, quarantine, removeQuietly } from '../tidy.ts'

export interface Leftover {
  readonly file: string
  readonly bytes: number
}

export class Leftovers {
  readonly #system: System
  readonly #directory: string
  #copies: Leftover[] = []
  #doubtful: readonly string[] = []

  constructor(system: System, directory: string) {
    this.#system = system
    this.#directory = directory
  }

  /** Takes what opening has found. */
  hold({ copies, doubtful }: LeftBehind): void {
    this.#copies = [...copies]
    this.#doubtful = doubtful
  }

  get areThere(): boolean {
    return this.#copies.length + this.#doubtful.length > 0
  }

  /** That can be given back. */
  get bytes(): number {
    return this.#copies.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Called once a LINK of this opening is durable. Rejects where a file cannot be moved. */
  async clear(): Promise<void> {
    while (await this.drop());
    const names = this.#doubtful
    this.#doubtful = []
    await quarantine(this.#system, this.#directory, names)
  }

  /** Gives the space of one copy back; false where there is none. One that cannot be unlinked gives none, and stays. */
  async drop(): Promise<boolean> {
    for (let last = this.#copies.pop(); last !== undefined; last = this.#copies.pop()) {
      if (await removeQuietly(this.#system, `${this.#directory}/${last.file}`)) return true
    }
    return false
  }
}
