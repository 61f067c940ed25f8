/**
 * Real files and processes for tests: fresh directories, and children of `children.ts`. Every child that is
 * left is killed, and every directory removed, after each test.
 */
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterEach } from 'vitest'
import { killChildren } from './children.ts'

const directories: string[] = []

afterEach(async () => {
  await killChildren()
  for (const directory of directories.splice(0))
    fs.rmSync(directory, { recursive: true, force: true })
})

export function freshDirectory(): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'qlog-real-'))
  directories.push(directory)
  return directory
}

/** Names, sizes and bytes of all files, and the names of everything else. */
export function hashOf(directory: string): string {
  const hash = createHash('sha256')
  const entries = fs.readdirSync(directory, { withFileTypes: true, recursive: true })
  const names = entries.map((entry) => path.join(entry.parentPath, entry.name)).sort()
  for (const name of names) {
    const stat = fs.lstatSync(name)
    hash.update(`${name} ${stat.size} ${stat.mode} ${stat.mtimeMs} ${stat.ino}\n`)
    if (stat.isFile()) hash.update(fs.readFileSync(name))
  }
  return hash.digest('hex')
}
