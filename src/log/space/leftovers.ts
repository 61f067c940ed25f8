/**
 * Files of merges and mendings that no map named when the log was opened: they go once a LINK of this opening
 * is durable, which keeps maps of earlier owners out of force, or before that where the disk is full. Touches
 * these files alone.
 */
import type { System } from '../../system/system.ts'
import { unlinkIfThere } from '../tidy.ts'

export interface Leftover {
  readonly file: string
  readonly bytes: number
}

export class Leftovers {
  readonly #system: System
  readonly #directory: string
  #files: Leftover[] = []

  constructor(system: System, directory: string) {
    this.#system = system
    this.#directory = directory
  }

  /** Takes what opening has found. */
  hold(files: readonly Leftover[]): void {
    this.#files = [...files]
  }

  get areThere(): boolean {
    return this.#files.length > 0
  }

  get bytes(): number {
    return this.#files.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Gives the space of one file back; false where there is none. Rejects where it cannot be unlinked. */
  async drop(): Promise<boolean> {
    const last = this.#files.pop()
    if (last === undefined) return false
    await unlinkIfThere(this.#system, `${this.#directory}/${last.file}`)
    return true
  }
}
