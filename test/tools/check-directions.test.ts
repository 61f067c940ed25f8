import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkDirections } from '../../tools/check-directions.ts'

let root = ''

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'qlog-directions-'))
})

afterEach(() => {
  rmSync(root, { recursive: true })
})

/** Writes one file into the planted tree and tells what the check says about it. */
function plant(file: string, text: string): string[] {
  const path = join(root, file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return checkDirections(root).map((violation) => violation.message)
}

describe('a planted violation is reported', () => {
  test.each([
    ['src/format/block.ts', "import { open } from '../log/open.ts'", 'src/log/open.ts'],
    ['src/format/block.ts', "import type { A } from '../system/system.ts'", 'system.ts'],
    ['src/format/block.ts', "import { Buffer } from 'node:buffer'", 'node:buffer'],
    ['src/format/block.ts', "import { Buffer } from 'buffer'", 'node:buffer'],
    ['src/format/block.ts', "import crc from 'crc-32'", 'crc-32'],
    ['src/log/open.ts', "import { real } from '../system/real.ts'", 'src/system/real.ts'],
    ['src/log/open.ts', "import { queue } from '../store/queue.ts'", 'src/store/queue.ts'],
    ['src/log/open.ts', "import fs from 'node:fs'", 'node:fs'],
    ['src/log/open.ts', "export { x } from '../index.ts'", 'src/index.ts'],
    ['src/log/open.ts', "export * from '../../tools/run.ts'", 'tools/run.ts'],
    ['src/log/open.ts', "type F = import('node:fs').Stats", 'node:fs'],
    ['src/log/open.ts', "await import('node:net')", 'node:net'],
    ['src/log/open.ts', 'await import(name)', '(computed)'],
    ['src/inspect/walk.ts', "import { real } from '../system/real.ts'", 'src/system/real.ts'],
    ['src/cli/read.ts', "import { open } from '../log/open.ts'", 'src/log/open.ts'],
    ['src/cli/read.ts', "import { walk } from '../inspect/walk.ts'", 'src/inspect/walk.ts'],
    ['src/cli/read.ts', "import tls from 'node:tls'", 'node:tls'],
    ['src/measure/plan.ts', "import { main } from '../cli/main.ts'", 'src/cli/main.ts'],
    ['src/inspect/walk.ts', "import { drive } from '../measure/driver.ts'", 'src/measure'],
    ['src/store/queue.ts', "import { Command } from 'commander'", 'commander'],
    ['src/index.ts', "import { main } from './cli/main.ts'", 'src/cli/main.ts'],
    ['src/utilities/array.ts', '', 'src/utilities'],
    ['src/log/open.ts', "import { crc32 } from 'qlog/native-free'", 'native-free/index.ts'],
    ['src/format/block.ts', "import '../../native-free/crc32.ts'", 'native-free/crc32.ts'],
    ['native-free/crc32.ts', "import zlib from 'node:zlib'", 'node:zlib'],
    ['native-free/crc32.ts', "import '../src/format/bytes.ts'", 'src/format/bytes.ts'],
    ['native-free/crc32.ts', 'export const x = Math.random()', 'Math.random'],
  ])('%s: %s', (file, text, expected) => {
    const messages = plant(file, text)
    expect(messages).toHaveLength(1)
    expect(messages[0]).toContain(expected)
  })

  test.each(['Date.now()', 'new Date()', 'Math.random()', 'performance.now()', 'setTimeout(f, 1)'])(
    'time and chance in the log: %s',
    (expression) => {
      const messages = plant('src/log/open.ts', `export const x = () => ${expression}\n`)
      expect(messages).toHaveLength(1)
      expect(messages[0]).toContain('differs from run to run')
    },
  )

  test('with the file and the line', () => {
    plant('src/format/block.ts', "// first line\nimport fs from 'node:fs'\n")
    expect(checkDirections(root)).toEqual([
      { file: 'src/format/block.ts', line: 2, message: 'src/format may not import node:fs' },
    ])
  })
})

describe('what the layout allows is not reported', () => {
  test.each([
    ['src/format/block.ts', "import { QlogError } from '../errors.ts'"],
    ['src/system/real.ts', "import fs from 'node:fs'\nimport crc from 'crc-32'\nDate.now()"],
    ['src/log/open.ts', "import type { System } from '../system/system.ts'"],
    ['src/system/lz4.ts', "import { compressBlockInto } from 'qlog/native-free'"],
    ['native-free/index.ts', "export { crc32 } from './crc32.ts'"],
    ['src/log/open.ts', "import { decode } from '../format/block.ts'\nnew Date(0)"],
    ['src/inspect/index.ts', "import { real } from '../system/real.ts'"],
    ['src/cli/read.ts', "import { openLog } from '../index.ts'\nimport './output.ts'"],
    ['src/cli/read.ts', "import { verify } from 'qlog/inspect'\nimport 'commander'"],
    ['src/index.ts', "import { real } from './system/real.ts'\nexport { a } from './log/open.ts'"],
  ])('%s: %s', (file, text) => {
    expect(plant(file, text)).toEqual([])
  })
})

test('the sources of this repository keep the directions', () => {
  expect(checkDirections(join(import.meta.dirname, '..', '..'))).toEqual([])
})
