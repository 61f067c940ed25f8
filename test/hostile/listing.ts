/** What a directory holds, to the byte and the moment: whoever only looks leaves it the same. Reads only. */
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/** Larger ones are holes for the most part: of them the beginning counts. */
const HASHED_BYTES_MAX = 4 * 1024 * 1024

/** One line for each thing, with everything of it that a write changes; the directory itself is the first. */
export function listingOf(directory: string): readonly string[] {
  const names = readdirSync(directory).sort()
  return ['.', ...names].map((name) => lineOf(name, join(directory, name)))
}

function lineOf(name: string, path: string): string {
  const stats = lstatSync(path, { bigint: true })
  const { size, mtimeNs, ctimeNs, mode, ino, nlink } = stats
  const what = stats.isSymbolicLink() ? readlinkSync(path) : stats.isFile() ? hashOf(path) : ''
  return [JSON.stringify(name), size, mtimeNs, ctimeNs, mode.toString(8), ino, nlink, what].join(
    ' ',
  )
}

function hashOf(path: string): string {
  const bytes = readFileSync(path)
  return createHash('sha1').update(bytes.subarray(0, HASHED_BYTES_MAX)).digest('hex')
}
