/** The directory that `qlog prove` works in: made, measured and removed again. */
import { lstatSync, mkdirSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { UsageError } from './usage-error.ts'

/** A fresh volume is not quite empty. */
const TOLERATED = new Set(['lost+found'])

export class ProveDirectory {
  readonly path: string
  /** The topmost directory that had to be made; undefined where all were there. */
  readonly #made: string | undefined

  /** Throws where the directory is not empty: whatever stands there is not ours to touch. */
  constructor(directory: string) {
    this.path = resolve(directory)
    try {
      this.#made = mkdirSync(this.path, { recursive: true })
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new UsageError(
        `cannot make the directory: ${why}`,
        'Name a directory that is empty or missing, on the disk to be tried.',
      )
    }
    const found = this.#entries()[0]
    if (found !== undefined) {
      throw new UsageError(
        `${this.path} is not empty: it holds ${found}`,
        'Name a directory that is empty or missing, on the disk to be tried.',
      )
    }
  }

  freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path)
    return bavail * bsize
  }

  /** Bytes that the file system has allocated for what stands here. */
  diskBytes(): number {
    return this.#entries().reduce((sum, name) => {
      const path = join(this.path, name)
      const stat = lstatSync(path)
      if (!stat.isDirectory()) return sum + stat.blocks * 512
      const inside = readdirSync(path).map((entry) => lstatSync(join(path, entry)).blocks * 512)
      return sum + inside.reduce((a, b) => a + b, 0)
    }, 0)
  }

  /** Removes what this run made, and the directory itself only where it made that too. */
  remove(): void {
    for (const name of this.#entries()) rmSync(join(this.path, name), { recursive: true })
    if (this.#made !== undefined) rmSync(this.#made, { recursive: true, force: true })
  }

  #entries(): string[] {
    return readdirSync(this.path).filter((name) => !TOLERATED.has(name))
  }
}
