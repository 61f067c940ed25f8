/**
 * A directory to measure in: a fresh one below a directory of the caller's, so that the figures are those
 * of that disk. Removed however the process ends, as far as a process can do so.
 */

import * as fs from 'node:fs'
import { join, resolve } from 'node:path'

export class Place {
  readonly path: string
  /** What is removed in the end: with the directories that had to be made for it. */
  readonly #made: string
  readonly #onExit = (): void => fs.rmSync(this.#made, { recursive: true, force: true })
  #runs = 0

  constructor(parent: string, prefix: string) {
    const above = resolve(parent)
    const made = fs.mkdirSync(above, { recursive: true })
    // Before anything can fail or be stopped.
    this.path = fs.mkdtempSync(join(above, prefix))
    this.#made = made ?? this.path
    process.once('exit', this.#onExit)
  }

  file(name: string): string {
    return join(this.path, name)
  }

  /** A path for the log of one run. */
  nextLog(): string {
    return this.file(`log-${++this.#runs}`)
  }

  /**
   * Removes what a run left, and waits until the file system has committed that: freeing blocks must
   * not fall into the time of the next run.
   */
  remove(path: string): void {
    fs.rmSync(path, { recursive: true, force: true })
    const directory = fs.openSync(this.path, fs.constants.O_RDONLY)
    try {
      fs.fsyncSync(directory)
    } finally {
      fs.closeSync(directory)
    }
  }

  /** Removes everything. */
  close(): void {
    process.off('exit', this.#onExit)
    this.#onExit()
  }
}
