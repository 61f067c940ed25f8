/** Scrubbing, and the mending of single bits. */
import { edit, type PlantedFault } from '../fault.ts'
import { CRASH_POINTS, REPAIR, SCRUB, SCRUB_AND_VERIFY, SCRUB_SOAK } from '../proofs.ts'

export const SCRUB_FAULTS: readonly PlantedFault[] = [
  {
    name: 'scrub passes over the last block of a segment',
    edits: [
      edit(
        'src/log/scrub/check-segment.ts',
        '    for (const region of judgeSealed(head, entry, scan)) await',
        '    for (const region of judgeSealed(head, entry, scan))\n      if (region.offset + region.bytes < entry.cut) await',
      ),
    ],
    tests: [SCRUB_AND_VERIFY],
  },
  {
    name: 'scrub reads the page cache',
    edits: [edit('src/log/scrub/check-segment.ts', "mode: 'read', direct: true", "mode: 'read'")],
    tests: [SCRUB],
  },
  {
    name: 'scrub calls damage what has left the log',
    edits: [
      edit(
        'src/log/scrub/scrub-pass.ts',
        '    if (checked.findings.length > 0 && !(await stillNames(entry))) continue\n',
        '',
      ),
    ],
    tests: [SCRUB, SCRUB_SOAK],
  },
  {
    name: 'scrub keeps to no rate',
    edits: [edit('src/log/scrub/read-pace.ts', '      this.#count(read)\n', '')],
    tests: [SCRUB],
  },
  {
    name: 'the header of a mended copy keeps its generation',
    edits: [
      edit(
        'src/log/scrub/mended-file.ts',
        'return (generation) => encodeSegmentHeader({ ...header, generation }, system.crc32)',
        'return () => encodeSegmentHeader(header, system.crc32)',
      ),
    ],
    tests: [REPAIR],
  },
  {
    name: 'a mended copy that nobody has read back',
    edits: [
      edit(
        'src/log/scrub/mended-file.ts',
        "    if (!isMended(checked, copy)) return { kind: 'not mended', why: 'the copy does not read back' }\n",
        '',
      ),
    ],
    tests: [REPAIR],
  },
  {
    name: 'the name of a mended copy not durable before the map names it',
    edits: [
      edit(
        'src/log/scrub/mended-file.ts',
        '      await names.flush()\n      isNamed',
        '      isNamed',
      ),
    ],
    tests: [CRASH_POINTS],
  },
  {
    name: 'a mended copy is named by a flush of its own',
    edits: [
      edit(
        'src/log/scrub/mended-file.ts',
        'await names.flush()',
        'await parts.system.files.flushDirectory(parts.directory)',
      ),
    ],
    tests: [REPAIR],
  },
  {
    name: 'a mended copy whose name cannot be made durable stays, one more with each pass',
    edits: [
      edit(
        'src/log/scrub/mended-file.ts',
        "      if (outcome.kind === 'mended' && created) {",
        "      if (outcome.kind === 'mended' && path === '' && created) {",
      ),
    ],
    tests: ['test/log/scrub/repair.test.ts'],
  },
  {
    name: 'an owner that was taken over reads all of the log again every ten minutes',
    edits: [edit('src/log/scrub/background-scrub.ts', '      if (isFenced(error)) return\n', '')],
    tests: ['test/log/scrub/taken-over.test.ts'],
  },
  {
    name: 'scrub adds up only the findings that its report holds',
    edits: [
      edit(
        'src/log/scrub/scrub-pass.ts',
        'for (const finding of told) options',
        'for (const finding of told.slice(0, FINDINGS_MAX - findings.length)) options',
      ),
    ],
    tests: ['test/inspect/scrub-many.test.ts'],
  },
  {
    name: 'scrub of an owner that was taken over calls damage what the new one retired',
    edits: [
      edit(
        'src/log/scrub/log-scrub.ts',
        '    if (!(await lock.isHeld())) throw fencedError()\n',
        '',
      ),
    ],
    tests: ['test/log/scrub/taken-over.test.ts'],
  },
  {
    name: 'scrub calls damage what one read gives wrong',
    edits: [edit('src/log/scrub/check-segment.ts', 'const LOOKS_MAX = 5', 'const LOOKS_MAX = 1')],
    tests: [SCRUB],
  },
  {
    name: 'nothing is mended behind a block that cannot be',
    edits: [
      edit(
        'src/log/mend.ts',
        '    if (mended) found.push(mended)\n',
        '    if (mended) found.push(mended)\n    else break\n',
      ),
    ],
    tests: [REPAIR],
  },
  {
    name: 'what was mended of a damaged region counts as lost beside what was not',
    edits: [
      edit(
        'src/log/scrub/segment-repair.ts',
        'return rest.length > 0 ? rest : ',
        'return rest.length > 0 ? [finding] : ',
      ),
    ],
    tests: [REPAIR],
  },
]
