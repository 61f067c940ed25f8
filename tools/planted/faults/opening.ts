/** What an opening finds: the lock, the end of the log, recovery, and what is tidied away. */
import { edit, type PlantedFault } from '../fault.ts'
import { CUT_OFF, LOCK_RACES, LOST_MAP, REPAIR, SECOND_READ, SNAPSHOTS_CRASH } from '../proofs.ts'

export const OPENING_FAULTS: readonly PlantedFault[] = [
  {
    name: 'id of a resolved append given again',
    edits: [
      edit(
        'src/log/assess.ts',
        'Math.max(newest?.tail.nextId ?? 1,',
        'Math.max(newest?.tail.durableNextId ?? 1,',
      ),
    ],
  },
  {
    name: 'recovery writes into an old segment',
    edits: [
      edit(
        'src/log/recover.ts',
        '  const segment = await createSmaller(system, plan, leastBytes)\n',
        '  const old = newest && [plan.directory, newest.head.file].join("/")\n' +
          "  const handle = old && (await system.files.open(old, { mode: 'write' }))\n" +
          '  if (handle && newest) await handle.write(new Uint8Array(8), newest.tail.copy.offset)\n' +
          '  if (handle) await handle.close()\n' +
          '  const segment = await createSmaller(system, plan, leastBytes)\n',
      ),
    ],
  },
  {
    name: 'recovery shows bytes above D before copying them',
    edits: [
      edit(
        'src/log/recover.ts',
        '    cut: Math.min(tail.durable, header.fileBytes),',
        '    cut: Math.min(tail.end, header.fileBytes),',
      ),
      edit(
        'src/log/recover.ts',
        'endId: Math.max(link.nextId, tail.durableNextId),',
        'endId: Math.max(link.nextId, tail.nextId),',
      ),
      edit(
        'src/log/recover.ts',
        '  if (gaps.length > 0) return true\n',
        '  if (gaps.length >= 0) return false\n',
      ),
    ],
  },
  {
    name: 'LINK read from one of its two blocks only (as if written once)',
    edits: [edit('src/log/survey.ts', 'pages < LINK_PAGES_MAX; pages++', 'pages < 1; pages++')],
  },
  {
    name: 'lock taken by two after one death: the look again left out',
    edits: [
      edit(
        'src/log/lock/takeover.ts',
        'if (!(await isUnchanged(opener, chain))) {',
        'if (chain.length === 0) {',
      ),
    ],
    tests: [LOCK_RACES],
  },
  {
    name: 'lock taken by two after one death: a taken link taken for won',
    edits: [
      edit(
        'src/log/lock/takeover.ts',
        '      opener.mayBeNamed = wasNamed\n      return false\n',
        '      opener.mayBeNamed = wasNamed\n      return true\n',
      ),
    ],
    tests: [LOCK_RACES],
  },
  {
    name: 'recovery forgets which snapshots stand',
    edits: [
      edit(
        'src/log/recover.ts',
        '    nextId: durableNextId,\n    snapshots,\n',
        '    nextId: durableNextId,\n    snapshots: [0, 0],\n',
      ),
    ],
    tests: [SNAPSHOTS_CRASH],
  },
  {
    name: 'a mended segment is lost with the newest one',
    edits: [
      edit(
        'src/log/assess.ts',
        'withCopies(inForce?.map ?? [], survey.heads, storeId)',
        'inForce?.map ?? []',
      ),
    ],
    tests: [REPAIR],
  },
  {
    name: 'what recovery copies is not checked when it is read for that',
    edits: [
      edit(
        'src/log/second-read.ts',
        'if (checkBlock(bytes, at - offset, at, key, system.crc32) !== 0) {',
        'if (at < offset) {',
      ),
    ],
    tests: [SECOND_READ],
  },
  {
    name: 'an opening that cuts something off looks once',
    edits: [
      edit(
        'src/log/sure-end.ts',
        'if (assessment && last && saysTheSame(last, assessment)) return assessment',
        'if (assessment && (!last || saysTheSame(last, assessment))) return assessment',
      ),
    ],
    tests: [SECOND_READ],
  },
  {
    name: 'two looks that call different segments lost agree',
    edits: [
      edit(
        'src/log/sure-end.ts',
        'files.map(({ row, file, firstId, endId }) => [row, file, firstId, endId]),',
        '',
      ),
      edit('src/log/sure-end.ts', '[...newestGaps, ...mapGaps].map(placeOf),', ''),
    ],
    tests: [SECOND_READ],
  },
  {
    name: 'a merged segment that an old owner may still bring into force is cleared away at once',
    edits: [
      edit('src/log/tidy.ts', '  if (recovered) {', '  if (recovered || copies.length > 0) {'),
    ],
    tests: ['test/simulation/idle-takeover.test.ts'],
  },
  {
    name: 'a merge may be given the name of a file that an old owner still deletes',
    edits: [
      edit(
        'src/log/next-generation.ts',
        'return above + 1 + new DataView(bytes.buffer).getUint16(0)',
        'return above + 1',
      ),
    ],
    tests: ['test/simulation/idle-takeover.test.ts'],
  },
  {
    name: 'an opening that calls a segment lost looks once',
    edits: [edit('src/log/sure-end.ts', 'CUTS_OFF.has(row) || isRot(row)', 'CUTS_OFF.has(row)')],
    tests: [SECOND_READ],
  },
  {
    name: 'a SYNC or CLEAN that was cut off is called rot',
    edits: [edit('src/log/newest-segment.ts', ' || isCutShort(bytes, found)', '')],
    tests: [CUT_OFF],
  },
  {
    name: 'a merged file is deleted though what the map names in its place is gone',
    edits: [
      edit(
        'src/log/tidy.ts',
        '  if (mapGaps.length + newestGaps.length > 0) return false\n',
        '  if (mapGaps.length + newestGaps.length < 0) return false\n',
      ),
    ],
    tests: [LOST_MAP],
  },
  {
    name: 'a merged file is deleted though the map names nothing in its place',
    edits: [
      edit(
        'src/log/tidy.ts',
        'return map.some((entry) => entry.number <= number && number <= entry.coversTo)',
        'return true',
      ),
    ],
    tests: [LOST_MAP],
  },
  {
    name: 'what was just set aside gives way to what stood there',
    edits: [
      edit(
        'src/log/tidy.ts',
        'if (justMoved.has(name)) bytes += await sizeOf(name)\n    else before.push(name)',
        'before.push(name)',
      ),
    ],
    tests: ['test/log/space/quarantine.test.ts'],
  },
  {
    name: 'a walk over a segment rejects with whatever it was aborted with',
    edits: [
      edit('src/log/scan.ts', 'throwIfAborted(options.signal)', 'options.signal?.throwIfAborted()'),
    ],
    tests: ['test/inspect/aborted.test.ts'],
  },
  {
    name: 'an opening that cannot look at LOCK behind its recovery leaves its segment open',
    edits: [
      edit(
        'src/log/recover.ts',
        '    await segment.handle.close().catch(() => undefined)\n    if (error instanceof QlogError) throw error',
        '    if (error instanceof QlogError) throw error\n    await segment.handle.close().catch(() => undefined)',
      ),
    ],
    tests: ['test/simulation/open-handles.test.ts'],
  },
  {
    name: 'a full segment one of whose descriptions cannot be closed stops the log',
    edits: [
      edit('src/log/write-lanes.ts', '      closeIdle(handle)\n', '      handle.closeSync()\n'),
    ],
    tests: ['test/log/refused-calls.test.ts'],
  },
]
