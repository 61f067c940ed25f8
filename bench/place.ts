/**
 * The directory that benchmarks work in: a fresh one below QLOG_BENCH_DIR, or below .bench/ of the
 * repository, so that the figures are those of that disk. Removed however the process ends.
 */

import * as fs from 'node:fs'
import { join, resolve } from 'node:path'

export class Place {
  readonly path: string
  #runs = 0

  constructor() {
    const parent = resolve(process.env['QLOG_BENCH_DIR'] ?? '.bench')
    fs.mkdirSync(parent, { recursive: true })
    this.path = fs.mkdtempSync(join(parent, 'run-'))
    process.once('exit', () => fs.rmSync(this.path, { recursive: true, force: true }))
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      process.once(signal, () => process.exit(code))
    }
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
}
