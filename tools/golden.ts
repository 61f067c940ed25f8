/**
 * Writes the golden files of the format into test/fixtures/format/: `npm run golden`. Allowed while
 * the format's number is 0; afterwards a golden file that changes is a broken promise.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FORMAT_NUMBER } from '../src/format/layout.ts'
import { crc32 } from '../src/system/real/crc.ts'
import { goldenFiles } from '../test/format/golden-files.ts'

if (Number(FORMAT_NUMBER) !== 0) throw new Error('the format is fixed: its golden files are too')
const directory = join('test', 'fixtures', 'format')
mkdirSync(directory, { recursive: true })
for (const [name, bytes] of goldenFiles(crc32)) {
  writeFileSync(join(directory, name), bytes)
  console.log(`${join(directory, name)}: ${bytes.length} bytes`)
}
