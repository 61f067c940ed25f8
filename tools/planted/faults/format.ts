/** Blocks, their checksums, and the verdicts about damage. */
import { edit, type PlantedFault } from '../fault.ts'
import { CUT_OFF, DIRECTED, GOLDEN, LOST_NEWEST } from '../proofs.ts'

export const FORMAT_FAULTS: readonly PlantedFault[] = [
  {
    name: 'log ended at P although P < D',
    edits: [
      edit(
        'src/format/verdict.ts',
        '  let durable = claimed\n',
        '  let durable = Math.min(claimed, firstInvalidFrom(blocks, SEGMENT_HEADER_BYTES))\n',
      ),
    ],
  },
  {
    name: 'a block of another segment accepted (salts not compared)',
    edits: [
      edit(
        'src/format/block.ts',
        '  if (getUint32(bytes, at + BLOCK_MAGIC_AT) !== key.salt1) return 2\n',
        '',
      ),
      edit(
        'src/format/block.ts',
        'setUint32(target, at + BLOCK_CRC_AT, crc32(covered, key.salt2))',
        'setUint32(target, at + BLOCK_CRC_AT, crc32(covered, 0))',
      ),
      edit(
        'src/format/block.ts',
        'const crc = crc32(bytes.subarray(at + BLOCK_CRC_FROM, end), key.salt2)',
        'const crc = crc32(bytes.subarray(at + BLOCK_CRC_FROM, end), 0)',
      ),
    ],
    tests: [DIRECTED],
  },
  {
    name: 'CRC leaves out the length',
    edits: [
      edit(
        'src/format/layout.ts',
        'export const BLOCK_CRC_FROM = 8',
        'export const BLOCK_CRC_FROM = 12',
      ),
    ],
    tests: [GOLDEN],
  },
  {
    name: "bytes that are kept are still the caller's",
    edits: [edit('src/format/bytes.ts', 'return new Uint8Array(bytes)', 'return bytes.slice()')],
    tests: ['test/testing/log-suite.test.ts'],
  },
  {
    name: 'a block that was cut off where a sector begins is called rot',
    edits: [
      edit(
        'src/format/single-bit.ts',
        'if (!carriesNothing && sectorAt <= offset) return false',
        'if (!carriesNothing) return false',
      ),
    ],
    tests: [CUT_OFF],
  },
  {
    name: 'a message that one bit makes valid is called cut off',
    edits: [
      edit(
        'src/format/single-bit.ts',
        'const carriesNothing = type === BlockType.SYNC || type === BlockType.CLEAN',
        'const carriesNothing = type !== undefined',
      ),
    ],
    tests: [CUT_OFF],
  },
  {
    name: 'an index beside a log without a header does not count',
    edits: [
      edit('src/format/file-verdict.ts', 'if (index && (isAlone || ', 'if (index && (!isAlone && '),
    ],
    tests: [LOST_NEWEST],
  },
  {
    name: 'a single bit is looked for behind the end of a file that was cut short',
    edits: [
      edit(
        'src/format/verdict.ts',
        'return firstInvalid < scan.endOffset ? { offset: firstInvalid, end: scan.endOffset } : undefined',
        'return { offset: firstInvalid, end: scan.endOffset }',
      ),
    ],
    tests: ['test/damage/sectors.test.ts'],
  },
]
