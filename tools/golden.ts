/**
 * Writes the golden files of the format that are not there yet into test/fixtures/format/: `npm run golden`.
 * One that is there is never written again: since the format's number is 1, what it holds is a promise.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from '../src/system/real/crc.ts'
import { goldenFiles } from '../test/format/golden-files.ts'

const directory = join('test', 'fixtures', 'format')
mkdirSync(directory, { recursive: true })
for (const [name, bytes] of goldenFiles(crc32)) {
  const path = join(directory, name)
  if (existsSync(path)) {
    console.log(`${path}: stays as it is`)
    continue
  }
  writeFileSync(path, bytes, { flag: 'wx' })
  console.log(`${path}: ${bytes.length} bytes`)
}
