/** Copies directories between a simulated disk and a real one, for tests that run the real tools. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import type { SimulatedDisk } from '../../src/system/simulated/disk.ts'

/** Writes every file below `from`, as its readers see it, into the real directory. */
export function exportDirectory(disk: SimulatedDisk, from: string, realDirectory: string): void {
  const prefix = `${from.replace(/\/$/, '')}/`
  for (const [name, bytes] of disk.tree()) {
    if (!name.startsWith(prefix)) continue
    const target = path.join(realDirectory, name.slice(prefix.length))
    fs.mkdirSync(path.dirname(target), { recursive: true })
    fs.writeFileSync(target, bytes)
  }
}

/** Puts every file of the real directory below `to`, durably. Sockets are left out. */
export function importDirectory(disk: SimulatedDisk, realDirectory: string, to: string): void {
  for (const entry of fs.readdirSync(realDirectory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    const source = path.join(entry.parentPath, entry.name)
    const name = path.relative(realDirectory, source).split(path.sep).join('/')
    disk.putFile(`${to.replace(/\/$/, '')}/${name}`, fs.readFileSync(source))
  }
}
