/**
 * Real input for `qlog prove`: the lines of text files, in an order that does not change. The
 * parent collects them once and hands the bytes to every producer, so that a file that changes
 * meanwhile cannot pass for a lost message. Reads files, changes nothing.
 */
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UsageError } from './usage-error.ts'

/** Ample variety, and small enough to keep in two processes. */
const SOURCE_BYTES_MAX = 32 * 1024 * 1024
/** A line of a larger file could exceed the log's limit for a message. */
const FILE_BYTES_MAX = 16 * 1024 * 1024
/** What tools make or remove while this runs says nothing about the input. */
const SKIPPED_DIRECTORIES = new Set(['.git', '.build', '.qlog-prove', 'coverage'])
const NEWLINE = 0x0a

/** Lines by position; behind the last one the first comes again. */
export class LineSource {
  readonly bytes: Uint8Array
  readonly lineCount: number
  /** Where each line begins; one more entry for the end. */
  readonly #starts: Uint32Array

  /** `bytes` holds whole lines: it ends with a newline. */
  constructor(bytes: Uint8Array) {
    if (bytes.at(-1) !== NEWLINE) throw new Error('a source must end with a newline')
    let starts = new Uint32Array(Math.max(16, Math.ceil(bytes.length / 32)))
    let lineCount = 0
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, end + 1)) {
      lineCount += 1
      if (lineCount === starts.length) starts = grown(starts)
      starts[lineCount] = end + 1
    }
    this.bytes = bytes
    this.lineCount = lineCount
    this.#starts = starts
  }

  /** The bytes of the line at a position, without its newline. */
  line(position: number): Uint8Array {
    const index = position % this.lineCount
    const start = this.#starts[index]
    const next = this.#starts[index + 1]
    if (start === undefined || next === undefined) throw new Error(`there is no line ${position}`)
    return this.bytes.subarray(start, next - 1)
  }
}

function grown(starts: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(starts.length * 2)
  larger.set(starts)
  return larger
}

export interface CollectedSource {
  readonly lines: LineSource
  readonly fileCount: number
}

/** The text files under `paths`, or of this package and the packages beside it. */
export function collectSource(
  paths: readonly string[] | undefined,
  excludedDirectory: string,
): CollectedSource {
  const collector = new Collector(resolve(excludedDirectory))
  if (paths === undefined) collectDefault(collector)
  else for (const path of paths) collector.addRoot(resolve(path))
  if (collector.fileCount === 0) {
    throw new UsageError(
      'the source holds no text file',
      'Name files or directories with text after --source, or leave the option out.',
    )
  }
  return { lines: new LineSource(Buffer.concat(collector.parts)), fileCount: collector.fileCount }
}

function collectDefault(collector: Collector): void {
  const root = resolve(fileURLToPath(new URL('../..', import.meta.url)))
  collector.addDirectory(root, new Set(['node_modules']))
  const own = join(root, 'node_modules')
  if (existsSync(own)) collector.addDirectory(own, new Set())
  // Installed as a dependency, its neighbours are the packages beside it.
  const parent = dirname(root)
  if (basename(parent) === 'node_modules') collector.addDirectory(parent, new Set([basename(root)]))
}

class Collector {
  readonly parts: Uint8Array[] = []
  fileCount = 0
  #bytes = 0
  readonly #excluded: string

  constructor(excluded: string) {
    this.#excluded = excluded
  }

  addRoot(path: string): void {
    let isDirectory: boolean
    try {
      isDirectory = lstatSync(path).isDirectory()
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new UsageError(
        `cannot read the source: ${why}`,
        'Name files or directories that exist.',
      )
    }
    if (isDirectory) this.addDirectory(path, new Set())
    else this.addFile(path)
  }

  /** Symbolic links are left out: they could lead around in circles. */
  addDirectory(directory: string, skipped: ReadonlySet<string>): void {
    const entries = readdirSync(directory, { withFileTypes: true })
    entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const entry of entries) {
      if (this.#bytes >= SOURCE_BYTES_MAX) return
      const path = join(directory, entry.name)
      if (entry.isFile()) this.addFile(path)
      if (!entry.isDirectory() || path === this.#excluded) continue
      if (skipped.has(entry.name) || SKIPPED_DIRECTORIES.has(entry.name)) continue
      this.addDirectory(path, new Set())
    }
  }

  addFile(path: string): void {
    const { size } = lstatSync(path)
    if (size === 0 || size > FILE_BYTES_MAX || this.#bytes + size > SOURCE_BYTES_MAX) return
    const bytes = readFileSync(path)
    // A NUL byte is what tells a binary file.
    if (bytes.length === 0 || bytes.includes(0)) return
    this.parts.push(bytes)
    if (bytes.at(-1) !== NEWLINE) this.parts.push(Uint8Array.of(NEWLINE))
    this.#bytes += bytes.length + 1
    this.fileCount += 1
  }
}
