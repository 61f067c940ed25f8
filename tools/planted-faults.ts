/**
 * Known mistakes, each as an exact replacement in a source file. The text must stand there exactly once:
 * a fault that no longer fits the source is an error, not a fault that was caught.
 */

export interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

export interface PlantedFault {
  readonly name: string
  readonly edits: readonly Edit[]
  /** Tests that are tried first, in this order; the whole proof follows where they catch nothing. */
  readonly tests?: readonly string[]
}

export const SCHEDULES = 'test/simulation/schedules-1.test.ts'
export const SCHEDULE_SHARES = [SCHEDULES, 'test/simulation/schedules-2.test.ts'] as const
export const CRASH_POINTS = 'test/simulation/crash-points.test.ts'
export const CRASH_POINTS_FLUSH = 'test/simulation/crash-points-flush.test.ts'
export const FAILING_CALLS = 'test/simulation/failing-calls.test.ts'
export const DIRECTED = 'test/simulation/directed.test.ts'
export const LOCK_RACES = 'test/log/lock-races.test.ts'
export const FOLLOWING = 'test/log/following.test.ts'
export const READ_AHEAD = 'test/log/read-ahead.test.ts'
export const FLIGHT_QUEUE = 'test/log/flight-queue.test.ts'
export const GOLDEN = 'test/format/golden.test.ts'
export const SNAPSHOTS = 'test/log/snapshots.test.ts'
export const SNAPSHOTS_DAMAGE = 'test/log/snapshots-damage.test.ts'
export const SNAPSHOTS_CRASH = 'test/log/snapshots-crash.test.ts'
export const RETIREMENT = 'test/log/space/retirement.test.ts'
export const COMPACTION = 'test/log/space/compaction.test.ts'
export const COMPACTION_BOUND = 'test/log/space/compaction-bound.test.ts'
export const FULL_DISK = 'test/log/space/full-disk.test.ts'
export const SCRUB = 'test/log/scrub/background-scrub.test.ts'
export const SCRUB_AND_VERIFY = 'test/inspect/scrub.test.ts'
export const SCRUB_SOAK = 'test/log/scrub/scrub-soak.test.ts'
export const REPAIR = 'test/log/scrub/repair.test.ts'
export const MENDED = 'test/store/mended.test.ts'
export const SECOND_READ = 'test/log/second-read.test.ts'
export const CUT_OFF = 'test/log/cut-off.test.ts'
export const LOST_MAP = 'test/log/space/lost-map.test.ts'
export const LOST_VICTIMS = 'test/log/space/lost-victims.test.ts'
export const SALVAGE_PARTS = 'test/inspect/salvage-parts.test.ts'
export const LOST_NEWEST = 'test/inspect/lost-newest.test.ts'
export const FULL_DISK_ENDS = 'test/log/space/full-disk-ends.test.ts'

export function edit(file: string, find: string, replace: string): Edit {
  return { file, find, replace }
}

const GROUP_FLUSH = '    if (this.#flushes(flight)) await handle.flush()\n'
const NAMES_FLUSH = '    await descriptors.spend(() => namesOf(system, plan).flush())\n'
const CREATE_FLUSH =
  'await writeWhole(handle, headerBytes(system, plan, number, key), 0)\n    await handle.flush()\n'

export const FAULTS: readonly PlantedFault[] = [
  {
    name: 'resolved before the flush returned',
    edits: [
      edit(
        'src/log/flight-writer.ts',
        GROUP_FLUSH,
        '    if (this.#flushes(flight)) void handle.flush().catch(() => undefined)\n',
      ),
    ],
  },
  {
    name: 'directory sync skipped after create',
    edits: [edit('src/log/segment-file.ts', NAMES_FLUSH, '')],
  },
  {
    name: 'spare used before its zeros are synced',
    edits: [
      edit(
        'src/log/segment-file.ts',
        CREATE_FLUSH,
        'await writeWhole(handle, headerBytes(system, plan, number, key), 0)\n',
      ),
    ],
  },
  {
    name: 'D one group too high',
    edits: [
      edit(
        'src/log/group.ts',
        'block.durableOffset = Math.min(destination.durableOffset, this.groupOffset)',
        'block.durableOffset = this.groupOffset',
      ),
    ],
  },
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
    name: 'random access skips the CRC',
    edits: [
      edit(
        'src/log/read/block-walk.ts',
        'if (state === 0 && this.#unpacks()) {',
        'if ([0, 9].includes(state)) {',
      ),
    ],
  },
  {
    name: 'short write taken for full',
    edits: [
      edit(
        'src/log/flight.ts',
        '  while (done < total) {\n    const rest',
        '  while (done === 0) {\n    const rest',
      ),
    ],
  },
  {
    name: 'second flush after a failed one',
    edits: [
      edit(
        'src/log/flight-writer.ts',
        GROUP_FLUSH,
        '    if (this.#flushes(flight)) await handle.flush().catch(() => handle.flush())\n',
      ),
    ],
  },
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
    name: "the cut forgotten when its segment's successor retires",
    edits: [
      edit(
        'src/log/live-map.ts',
        '    const kept = this.entries.filter((entry) => !set.has(entry))\n',
        '    const all = this.entries\n' +
          '    const uncut = all.map((one, i) => (set.has(all[i + 1]) ? { ...one, cut: one.fileBytes } : one))\n' +
          '    const kept = uncut.filter((_, i) => !set.has(all[i]))\n',
      ),
    ],
  },
  {
    name: 'a map that needs a segment of its own is followed by another because of that',
    edits: [
      edit(
        'src/log/space/retirement.ts',
        'if (gone.length === 1 && gone.every(isBare) && !loop.fitsMap) {',
        'if (gone.length === 0) {',
      ),
    ],
    tests: [RETIREMENT],
  },
  {
    name: 'MAP change after the unlink',
    edits: [
      edit(
        'src/log/space/retirement.ts',
        '    loop.retire(gone, () => {\n',
        '    this.#removing = files.remove(gone).catch(() => undefined)\n' +
          '    loop.retire(gone, () => {\n',
      ),
    ],
  },
  {
    name: 'promises out of order',
    edits: [
      edit(
        'src/log/waiting/append-promises.ts',
        'for (const group of this.#take(0, upTo)) group.committed()',
        'for (const group of this.#take(0, upTo)) {\n' +
          '      if (upTo % 2 === 0) setImmediate(() => group.committed())\n' +
          '      else group.committed()\n    }',
      ),
    ],
  },
  {
    name: 'an id of a batch given to the append behind it',
    edits: [
      edit(
        'src/log/waiting/append-promises.ts',
        '    this.#nextId += count\n    return { firstId',
        '    this.#nextId += count - 1\n    return { firstId',
      ),
    ],
  },
  {
    name: "bytes that wait are still the caller's",
    edits: [edit('src/format/bytes.ts', 'return new Uint8Array(bytes)', 'return bytes.slice()')],
  },
  {
    name: 'more may wait in front of a store than its bound',
    edits: [
      edit(
        'src/store/commit/backlog.ts',
        'if (!isOfDeliveries(operation)) this.#tally.assertRoom()',
        '',
      ),
    ],
  },
  {
    name: 'what has left goes on counting as waiting',
    edits: [
      edit(
        'src/store/commit/backlog.ts',
        '    this.#operations.take()\n    this.#tally.remove(this.#counts.take() ?? 0, this.#sizes.take() ?? 0)',
        '    this.#operations.take()\n    this.#counts.take()\n    this.#sizes.take()',
      ),
    ],
  },
  {
    name: 'an acknowledgement is turned away since large puts wait',
    edits: [
      edit(
        'src/store/commit/backlog.ts',
        'if (!isOfDeliveries(operation)) this.#tally.assertRoom()',
        'this.#tally.assertRoom()',
      ),
    ],
  },
  {
    name: 'an append passes those that wait for room',
    edits: [
      edit(
        'src/log/waiting/room-queue.ts',
        'return this.#appends.length > 0 || !this.#host.hasRoom',
        'return !this.#host.hasRoom',
      ),
    ],
  },
  {
    name: 'appendSync overtakes a group in flight',
    edits: [
      edit(
        'src/log/sync-append.ts',
        '      if (handle) writer.resendSync(handle)\n      settle()\n',
        '',
      ),
    ],
  },
  {
    name: 'roll without barrier',
    edits: [
      edit(
        'src/log/group-sender.ts',
        '    if (segment && segment.durableOffset < segment.writtenEnd) {\n      this.#flushThenPump(segment)\n      return\n    }\n    const own',
        '    const own',
      ),
    ],
  },
  {
    name: 'LINK read from one of its two blocks only (as if written once)',
    edits: [edit('src/log/survey.ts', 'pages < LINK_PAGES_MAX; pages++', 'pages < 1; pages++')],
  },
  {
    name: 'retirement above the GC root (control records ignored)',
    edits: [
      edit(
        'src/log/space/retirement.ts',
        'entry.base + entry.cut <= this.#options.gcRoot() && ',
        '',
      ),
    ],
    tests: [DIRECTED],
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
    name: 'an awakened writer resolves an append',
    edits: [
      edit(
        'src/log/flight-writer.ts',
        '    if (!this.#lock.isHeldSync()) {\n',
        '    if (this.#lock.isHeldSync() === undefined) {\n',
      ),
    ],
    tests: [SCHEDULES, FAILING_CALLS],
  },
  {
    name: 'LOCK looked at before the write',
    edits: [
      edit(
        'src/log/flight-writer.ts',
        '    this.#writing++\n',
        '    if (!this.#lock.isHeldSync()) return this.#events.fenced()\n    this.#writing++\n',
      ),
      edit(
        'src/log/flight-writer.ts',
        '    if (this.#confirm()) this.#events.moved()\n',
        '    flight.confirmed = true\n    this.#flights.noteWritten()\n    this.#events.moved()\n',
      ),
    ],
    tests: [FAILING_CALLS],
  },
  {
    name: 'a later group resolved before an earlier one',
    edits: [
      edit(
        'src/log/flight-queue.ts',
        '    const flight = this.#flights[0]\n    if (!flight?.written || !flight.confirmed) return undefined\n    this.#flights.shift()\n',
        '    const flight = this.#flights.find((one) => one.written && one.confirmed)\n' +
          '    if (!flight) return undefined\n    this.#flights.splice(this.#flights.indexOf(flight), 1)\n',
      ),
    ],
  },
  {
    name: 'what is written counted across a group still under way',
    edits: [
      edit(
        'src/log/flight-queue.ts',
        '      if (!written) return\n',
        '      if (!written) continue\n',
      ),
    ],
    tests: [FLIGHT_QUEUE],
  },
  {
    name: 'a segment made ahead used behind one with a higher number',
    edits: [
      edit(
        'src/log/space/supply.ts',
        'if (own.number < this.#numberMin) {',
        'if (own.number < 0) {',
      ),
      edit(
        'src/log/space/supply.ts',
        'this.#numberMin = own.number + 1\n    this.#prepared = own',
        'this.#numberMin = Math.max(this.#numberMin, own.number + 1)\n    this.#prepared = own',
      ),
    ],
  },
  {
    name: 'MAP names the id behind the group that waits',
    edits: [
      edit(
        'src/log/composer.ts',
        'const nextId = this.firstPendingId\n    const bytes = pairGroup(',
        'const { nextId } = this\n    const bytes = pairGroup(',
      ),
    ],
  },
  {
    name: 'a spare under its new name before the directory sync',
    edits: [
      edit(
        'src/log/segment-file.ts',
        NAMES_FLUSH,
        NAMES_FLUSH.replace('await', 'if (!plan.source) await'),
      ),
    ],
    tests: [CRASH_POINTS, CRASH_POINTS_FLUSH],
  },
  {
    name: 'a failed flush of the directory is forgotten by whoever names a file next',
    edits: [
      edit(
        'src/log/directory-names.ts',
        '    const { error: cause } = this.#failure\n',
        '    const { error: cause } = this.#failure\n    this.#failure = undefined\n',
      ),
    ],
    tests: [FAILING_CALLS],
  },
  {
    name: 'a file used again while its SEAL is still to be written',
    edits: [edit('src/log/space/retirement.ts', '      .then(() => loop.sealed())\n', '')],
    tests: [RETIREMENT, ...SCHEDULE_SHARES],
  },
  {
    name: 'a file used again while a pin is held',
    edits: [
      edit(
        'src/log/space/retired-files.ts',
        'if (await isPinned(system, directory)) return false',
        'await isPinned(system, directory)',
      ),
    ],
    tests: [RETIREMENT],
  },
  {
    name: 'a file used again although it is not said in its header',
    edits: [
      edit(
        'src/log/segment-file.ts',
        'compatible: plan.source?.isReused ? CompatibleFeature.REUSED : 0,',
        'compatible: 0 & CompatibleFeature.REUSED,',
      ),
    ],
    tests: [RETIREMENT],
  },
  {
    name: 'liveness counted twice',
    edits: [
      edit(
        'src/log/space/liveness.ts',
        'const dead = this.deadIn(number) + this.#discarded.add(firstId, endId)',
        'this.#discarded.add(firstId, endId)\n    const dead = this.deadIn(number) + endId - firstId',
      ),
    ],
    tests: [RETIREMENT],
  },
  {
    name: 'discard before the finishing record is durable',
    edits: [
      edit(
        'src/log/space/retirement.ts',
        'if (behind > loop.settledTicket) this.#wait(',
        'if (behind < 0) this.#wait(',
      ),
    ],
    tests: [RETIREMENT],
  },
  {
    name: 'retention takes more than it may',
    edits: [
      edit(
        'src/log/space/retention.ts',
        'end.nextId - endId >= messages',
        'end.nextId - endId >= messages - 2',
      ),
    ],
    tests: [RETIREMENT],
  },
  {
    name: 'messages take what is kept for a full disk',
    edits: [
      edit(
        'src/log/space/supply.ts',
        "if (use === 'messages' || !isFullDisk(error)) throw error",
        'if (!isFullDisk(error)) throw error',
      ),
    ],
    tests: [FULL_DISK],
  },
  {
    name: 'control records turned down together with messages',
    edits: [
      edit(
        'src/log/composer.ts',
        '    if (!pending.hasControl) return this.drop()\n',
        '    if (pending.messages > 0) return this.drop()\n',
      ),
    ],
    tests: [FULL_DISK],
  },
  {
    name: 'a full disk is never looked at again',
    edits: [
      edit(
        'src/log/space/full-disk.ts',
        "      this.#options.onChange('full')\n    }\n    this.#arm()\n",
        "      this.#options.onChange('full')\n    }\n",
      ),
    ],
    tests: [FULL_DISK],
  },
  {
    name: 'a map that a full disk refused is never tried again',
    edits: [
      edit('src/log/space/admission.ts', '        map.isDue ||= map.isWaiting\n', ''),
      edit(
        'src/log/space/supply.ts',
        'while (await this.reserve.dropStale()) {',
        'while (false) {',
      ),
    ],
    tests: [FULL_DISK_ENDS],
  },
  {
    name: 'messages follow control records into what is kept for a full disk',
    edits: [
      edit(
        'src/log/commit-loop.ts',
        '      if (this.#supply.isReservePrepared) this.#keepMessagesOut()\n',
        '',
      ),
    ],
    tests: [FULL_DISK_ENDS],
  },
  {
    name: 'looking for space writes to the disk each time',
    edits: [
      edit(
        'src/log/space/admission.ts',
        'map.isWaiting || (await supply.mayRegain())',
        'map.isWaiting || (await supply.mayRegain()) || true',
      ),
    ],
    tests: [FULL_DISK_ENDS],
  },
  {
    name: 'a follower is served from the cache before the group resolved',
    edits: [
      edit(
        'src/log/group-sender.ts',
        '    this.#flights.push(flight)\n',
        '    this.#flights.push(flight)\n    this.#settlement.onResolved(flight)\n',
      ),
      edit(
        'src/log/visible-segments.ts',
        '        end: visibleEnd,\n',
        '        end: segment.sentEnd,\n',
      ),
    ],
  },
  {
    name: 'a chunk read ahead is used past the end that was visible when it was read',
    edits: [
      edit(
        'src/log/file-window.ts',
        'const wanted = Math.min(next.byteLength, limit - next.offset)',
        'const wanted = next.byteLength',
      ),
    ],
    tests: [READ_AHEAD],
  },
  {
    name: 'kept bytes overwritten when the writer uses its buffer again (no copy)',
    edits: [
      edit(
        'src/log/read/tail-cache.ts',
        '      this.#addPiece(number, at, piece)\n',
        '      const firstId = getUint64(piece, BLOCK_FIRST_ID_AT)\n' +
          '      const used = piece.length\n' +
          '      this.#chunks.push({ number, start: at, firstId, bytes: piece, used })\n',
      ),
    ],
    tests: [FOLLOWING],
  },
  {
    name: 'the GC root is that of the newest snapshot, not of the last but one',
    edits: [
      edit(
        'src/log/snapshot/snapshots.ts',
        'return Math.min(...this.#inLog.map(({ snapshot }) => lowestLsn(snapshot)))',
        'return Math.min(...this.#inLog.slice(0, 1).map(({ snapshot }) => lowestLsn(snapshot)))',
      ),
    ],
    tests: [SNAPSHOTS, SNAPSHOTS_DAMAGE],
  },
  {
    name: 'the first snapshot alone moves the GC root',
    edits: [
      edit('src/log/snapshot/snapshots.ts', '    if (this.#inLog.length < 2) return 0\n', ''),
    ],
    tests: [SNAPSHOTS, SNAPSHOTS_DAMAGE],
  },
  {
    name: 'a snapshot counts before its end is durable',
    edits: [
      edit(
        'src/log/composer.ts',
        'const mustFlush = blocks.some(({ type }) => type === BlockType.SNAPSHOT_END)',
        'const mustFlush = false',
      ),
    ],
    tests: [SNAPSHOTS],
  },
  {
    name: 'a snapshot counts that was not read back',
    edits: [
      edit(
        'src/log/snapshot/snapshots.ts',
        '    await readWhole(reader, snapshot)\n    const before',
        '    const before',
      ),
    ],
    tests: [SNAPSHOTS],
  },
  {
    name: 'an index older than the GC root gives the state',
    edits: [
      edit(
        'src/log/snapshot/find-state.ts',
        'if (state.size === 0 || lowestAt(state) < root) continue',
        'if (state.size === 0) continue',
      ),
    ],
    tests: [SNAPSHOTS_DAMAGE],
  },
  {
    name: 'a part that is unchanged keeps the GC root where it was given, not where it stands',
    edits: [
      edit(
        'src/log/snapshot/saved-state.ts',
        'lowest = Math.min(lowest, lsn, blockLsn)',
        'lowest = Math.min(lowest, lsn)',
      ),
    ],
    tests: [SNAPSHOTS],
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
    name: 'a merge rewrites a damaged block',
    edits: [
      edit(
        'src/log/space/merge.ts',
        "  if (walk.damaged.length > 0) return { kind: 'damaged', victims: walk.damaged }\n" +
          "  if (ended !== 'done') return { kind: ended",
        "  if (ended !== 'done') return { kind: ended",
      ),
      edit('src/log/space/merge.ts', "        if (this.damaged.length > 0) return 'done'\n", ''),
    ],
    tests: [COMPACTION],
  },
  {
    name: 'victims of a merge removed before the map without them is durable',
    edits: [
      edit(
        'src/log/space/retirement.ts',
        '    this.#replace(victims, merged, () => {\n      this.#remove(victims)\n      done()\n    })\n',
        '    this.#remove(victims)\n    this.#replace(victims, merged, done)\n',
      ),
    ],
    tests: [CRASH_POINTS],
  },
  {
    name: 'a merge drops a live message',
    edits: [
      edit(
        'src/log/space/merge.ts',
        '    if (parts.isDiscarded(id)) return true\n',
        '    if (parts.isDiscarded(id) || parts.isDiscarded(id - 1)) return true\n',
      ),
    ],
    tests: [COMPACTION],
  },
  {
    name: 'discards during a merge forgotten',
    edits: [
      edit(
        'src/log/space/liveness.ts',
        '    this.#dead.set(merged.number, discarded - holes)\n',
        '    this.#dead.set(merged.number, Math.min(0, discarded - holes))\n',
      ),
    ],
    tests: [COMPACTION],
  },
  {
    name: 'a merged file named before its bytes are durable',
    edits: [edit('src/log/space/merged-file.ts', '      await this.#open().flush()\n', '')],
    tests: [CRASH_POINTS],
  },
  {
    name: 'the name of a merged file not durable before the map names it',
    edits: [edit('src/log/space/merged-file.ts', '    await names.flush()\n', '')],
    tests: [CRASH_POINTS],
  },
  {
    name: 'a merge holds the event loop until it is over',
    edits: [
      edit('src/log/space/compaction.ts', '      if (!this.#isClosing) await this.#pause()\n', ''),
    ],
    tests: [COMPACTION_BOUND],
  },
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
    name: 'a damaged file set aside before a durable map names its mended copy',
    edits: [
      edit(
        'src/log/space/retirement.ts',
        '    this.#replace([entry], mended, () => {\n      this.#remove([{ ...entry, damaged: true }], false)\n      done()\n    })\n',
        '    this.#remove([{ ...entry, damaged: true }], false)\n    this.#replace([entry], mended, done)\n',
      ),
    ],
    tests: [REPAIR],
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
    name: 'mending brings back an entry that its owner has gone on without',
    edits: [
      edit(
        'src/log/space/retirement.ts',
        'if (!this.mayLeave(entry) || !this.#options.loop',
        'if (this.#held.has(entry) || !this.#options.loop',
      ),
    ],
    tests: [MENDED],
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
    name: 'what merges have left does not give way on a full disk',
    edits: [
      edit(
        'src/log/space/supply.ts',
        'else if (!(await this.leftovers.drop())) throw error',
        'else throw error',
      ),
    ],
    tests: ['test/log/space/compaction.test.ts'],
  },
  {
    name: 'an opening that calls a segment lost looks once',
    edits: [edit('src/log/sure-end.ts', 'CUTS_OFF.has(row) || isRot(row)', 'CUTS_OFF.has(row)')],
    tests: [SECOND_READ],
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
    name: 'a SYNC or CLEAN that was cut off is called rot',
    edits: [edit('src/log/newest-segment.ts', ' || isCutShort(bytes, found)', '')],
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
    name: 'of what merges left for a lost segment only the last is saved',
    edits: [edit('src/inspect/stand-ins.ts', 'found.reverse()', 'found.slice(-1)')],
    tests: [LOST_MAP],
  },
  {
    name: 'a block that begins in front of what is to be saved is dropped whole',
    edits: [
      edit(
        'src/inspect/salvage-source.ts',
        'idSpan > 0 && toId > this.nextId',
        'idSpan > 0 && block.firstId >= this.nextId',
      ),
    ],
    tests: [LOST_VICTIMS],
  },
  {
    name: 'what a merge left is saved in the place of segments that are there',
    edits: [
      edit(
        'src/inspect/salvage-source.ts',
        'this.#segment({ ...standIn, toId })',
        'this.#segment(standIn)',
      ),
    ],
    tests: [SALVAGE_PARTS],
  },
  {
    name: 'what a merge left is not asked for what a segment that is there has lost',
    edits: [
      edit(
        'src/inspect/salvage-source.ts',
        '    if (source.entry && toId > this.nextId) yield* this.#fromStandIns(source.entry, toId)\n',
        '',
      ),
    ],
    tests: [LOST_VICTIMS],
  },
  {
    name: 'half of a batch with control records is saved',
    edits: [
      edit('src/inspect/block-part.ts', 'cursor.start).controls > 0', 'cursor.start).controls < 0'),
    ],
    tests: [SALVAGE_PARTS],
  },
  {
    name: 'of a loss in what a merge left only what the first segment lost is told',
    edits: [
      edit('src/inspect/salvage-source.ts', '(isWoundBeyond && wound?.offset) || offset', 'offset'),
    ],
    tests: [SALVAGE_PARTS],
  },
  {
    name: 'ids that a segment without its LINK has lost at its end are passed over',
    edits: [
      edit(
        'src/inspect/salvage-source.ts',
        'source.losesToEnd && source.endId > this.nextId',
        'source.losesToEnd && source.endId < this.nextId',
      ),
    ],
    tests: [LOST_NEWEST],
  },
  {
    name: 'a newest segment that lost its header is passed over by what saves',
    edits: [
      edit(
        'src/inspect/salvage-source.ts',
        'const isNamed = index?.number === head.number',
        'const isNamed = index?.number !== head.number',
      ),
    ],
    tests: [LOST_NEWEST],
  },
  {
    name: 'an index beside a log without a header does not count',
    edits: [
      edit('src/format/file-verdict.ts', 'if (index && (isAlone || ', 'if (index && (!isAlone && '),
    ],
    tests: [LOST_NEWEST],
  },
  {
    name: 'verify counts what stands in front of a segment above the newest among its ids',
    edits: [
      edit(
        'src/inspect/verify.ts',
        'unopenedFinding(behind(verdict, newest), head)',
        'unopenedFinding(verdict, head)',
      ),
    ],
    tests: [LOST_NEWEST],
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
    name: 'tickets of a group that was refused before are counted by rows',
    edits: [
      edit('src/log/composer.ts', 'this.#pendingTickets.at(row)', 'pending.firstTicket + row'),
    ],
    tests: ['test/log/space/refused-twice.test.ts'],
  },
  {
    name: 'the root goes by a snapshot before a map that names it is asked for',
    edits: [
      edit(
        'src/log/snapshot/snapshots.ts',
        '    this.#assertOpen()\n    onSize(',
        '    const [last] = before ? [{ snapshot: before, isRead: true }] : []\n    this.#inLog = [{ snapshot, isRead: true }, ...(last ? [last] : [])]\n    this.#assertOpen()\n    onSize(',
      ),
    ],
    tests: ['test/log/snapshots-closing.test.ts'],
  },
  {
    name: 'a state of no parts moves the GC root',
    edits: [
      edit('src/log/snapshot/snapshots.ts', 'if (next.state.size === 0) throw', 'if (false) throw'),
    ],
    tests: [SNAPSHOTS],
  },
  {
    name: 'the log in memory takes a state of no parts',
    edits: [edit('src/log/memory/snapshot.ts', 'if (saved.size === 0) throw', 'if (false) throw')],
    tests: ['test/testing/log-suite.test.ts'],
  },
  {
    name: 'a snapshot that is named late takes the refusal of the next one',
    edits: [
      edit(
        'src/log/snapshot/snapshot-turn.ts',
        'if (this.#rejectNaming === reject) this.#rejectNaming',
        'this.#rejectNaming',
      ),
    ],
    tests: ['test/log/snapshot-turn.test.ts'],
  },
  {
    name: 'writes under way share a description',
    edits: [
      edit(
        'src/log/write-lanes.ts',
        'const handle = this.#free.pop()',
        'const handle = this.#all[0]',
      ),
      edit('src/log/write-lanes.ts', 'return this.#free.length > 0', 'return true'),
    ],
    tests: ['test/log/write-lanes.test.ts'],
  },
  {
    name: 'what resolves within appendSync begins a flush through its description',
    edits: [
      edit(
        'src/log/sync-append.ts',
        '    let isPlacing = false\n    try {\n',
        '    let isPlacing = false\n    try {\n      if (handle) segment?.lanes.give(handle)\n',
      ),
    ],
    tests: ['test/log/write-lanes.test.ts'],
  },
  {
    name: 'a description is opened by a name that is another file by now',
    edits: [
      edit(
        'src/log/segment-file.ts',
        'return found.device === created.device && found.inode === created.inode',
        'return found.device === created.device',
      ),
    ],
    tests: ['test/log/write-lanes.test.ts'],
  },
  {
    name: 'a full segment keeps the descriptions that it was written through until its seal is',
    edits: [
      edit('src/log/segment-turn.ts', '    full?.lanes.shedSync()\n', ''),
      edit(
        'src/log/sync-append.ts',
        '      if (segment !== turn.segment) segment?.lanes.shedSync()\n',
        '',
      ),
    ],
    tests: ['test/log/space/few-descriptors.test.ts'],
  },
  {
    name: 'a segment that is given up takes another of its name with it',
    edits: [
      edit(
        'src/log/segment-file.ts',
        'if (isSameFile(await files.stat(path), created)) await files.unlink(path)',
        'if (created) await files.unlink(path)',
      ),
    ],
    tests: ['test/log/write-lanes.test.ts'],
  },
  {
    name: 'a flush of the directory overtakes one that has failed',
    edits: [
      edit(
        'src/log/directory-names.ts',
        '    while (this.#flushing !== undefined) await this.#flushing.catch(() => undefined)\n',
        '',
      ),
    ],
    tests: ['test/log/directory-names.test.ts'],
  },
  {
    name: 'verify drops damage that its last look is the first to see',
    edits: [
      edit(
        'src/inspect/verify.ts',
        '[...rotten].every((name) => earlier.has(name))',
        'rotten.size >= 0',
      ),
      edit(
        'src/inspect/verify.ts',
        "({ level }) => level !== 'tail')\n      return",
        "(one) => one.level !== 'tail' && earlier?.has(nameOf(one)))\n      return",
      ),
    ],
    tests: ['test/inspect/verify-live.test.ts'],
  },
  {
    name: 'a backup leaves out the state that the index alone has',
    edits: [
      edit(
        'src/inspect/backup.ts',
        'every(({ lsn }) => lsn <= end) ? state : []',
        'length > end ? state : []',
      ),
    ],
    tests: ['test/inspect/backup.test.ts'],
  },
  {
    name: 'a backup that does not open is called as good as one that does',
    edits: [
      edit(
        'src/inspect/behind-state.ts',
        'if (error instanceof DamagedError) return error.message',
        'if (error instanceof DamagedError) return undefined',
      ),
    ],
    tests: ['test/inspect/backup.test.ts'],
  },
  {
    name: 'recover does not tell that its copy lacks the saved state',
    edits: [
      edit(
        'src/inspect/left-out.ts',
        'if (entry.base !== base) return true',
        'if (entry.base !== base) return false',
      ),
    ],
    tests: ['test/inspect/salvage.test.ts'],
  },
  {
    name: 'recover gives its copy a name although a writer has begun',
    edits: [
      edit(
        'src/inspect/salvage.ts',
        '    await refuseOwner(system, directory, lock)\n    await system.files.rename',
        '    await system.files.rename',
      ),
    ],
    tests: ['test/inspect/salvage.test.ts'],
  },
  {
    name: 'recover says that no message is lost where nothing tells how many were',
    edits: [
      edit(
        'src/inspect/salvage-source.ts',
        'if (missingNewest && missingNewest.endId <= missingNewest.firstId) {',
        'if (missingNewest && missingNewest.endId < missingNewest.firstId) {',
      ),
    ],
    tests: ['test/inspect/sealed-end.test.ts'],
  },
  {
    name: 'a batch goes on behind a block of it that is lost',
    edits: [
      edit(
        'src/log/read/entry-reader.ts',
        'if (this.#draft && goesOn(this.#draft, span)) return',
        'if (this.#draft && span.messagesBefore + span.controlsBefore > 0) return',
      ),
    ],
    tests: ['test/inspect/salvage-parts.test.ts'],
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
  {
    name: 'a flush goes through a description that is opened behind what it answers for',
    edits: [
      edit(
        'src/log/space/supply.ts',
        '    if (this.#options.flushesLater) await own.lanes.openAll()\n    return own\n',
        '    return own\n',
      ),
    ],
    tests: ['test/log/write-lanes.test.ts'],
  },
  {
    name: 'a flush goes through a description that an earlier one has used up by failing',
    edits: [
      edit('src/log/write-lanes.ts', '      this.fail(error)\n', '      this.give(handle)\n'),
    ],
    tests: ['test/log/write-lanes.test.ts'],
  },
  {
    name: 'writes that overlap take the descriptors that segments need',
    edits: [
      edit('src/log/write-lanes.ts', '|| !this.#mayOpen()) return', ') return'),
      edit('src/log/space/supply.ts', 'this.#current?.lanes.shedSync() ?? false', 'false'),
    ],
    tests: ['test/log/space/few-descriptors.test.ts'],
  },
  {
    name: 'a file that is used again is given up where its segment cannot be opened at once',
    edits: [
      edit(
        'src/log/segment-file.ts',
        'await descriptors.spend(() => opener.open())',
        'await opener.open()',
      ),
      edit(
        'src/log/segment-file.ts',
        'descriptors.spendSync(() => opener.openSync())',
        'opener.openSync()',
      ),
    ],
    tests: ['test/log/space/few-descriptors.test.ts'],
  },
  {
    name: 'an appendSync that finds no description refuses appends that could wait for one',
    edits: [
      edit(
        'src/log/sync-append.ts',
        '      if (isFenced(error)) this.#parts.failed(error)\n      throw error\n',
        '      this.#parts.refused(error)\n      throw error\n',
      ),
    ],
    tests: ['test/log/write-lanes.test.ts'],
  },
  {
    name: 'a store without an index refuses for a flipped bit in one of two blocks that say the same',
    edits: [
      edit(
        'src/log/read/block-walk.ts',
        '  BlockType.LINK,\n  BlockType.SNAPSHOT',
        '  BlockType.SNAPSHOT',
      ),
    ],
    tests: ['test/log/snapshots-damage.test.ts'],
  },
  {
    name: 'a damaged block with entries passes for one of a map',
    edits: [
      edit(
        'src/log/read/block-walk.ts',
        '  BlockType.SYNC,\n',
        '  BlockType.SYNC,\n  BlockType.MAP,\n',
      ),
    ],
    tests: ['test/log/snapshots-damage.test.ts'],
  },
  {
    name: 'a synchronous append asks for a spare again that a full disk gave no name',
    edits: [
      edit(
        'src/log/space/supply.ts',
        'if (plan.source || plan.fileBytes > least) {',
        'if (plan.fileBytes > least) {',
      ),
    ],
    tests: ['test/log/space/full-disk.test.ts'],
  },
  {
    name: 'both snapshots name the one block of a part that did not change',
    edits: [
      edit(
        'src/log/snapshot/due-parts.ts',
        'newest?.has(blockLsn) === true',
        'newest?.has(blockLsn) === undefined',
      ),
    ],
    tests: ['test/log/snapshots-damage.test.ts'],
  },
  {
    name: 'snapshots that opening found damaged let segments leave the log',
    edits: [edit('src/log/snapshot/find-state.ts', 'snapshots: standing,', 'snapshots,')],
    tests: ['test/log/snapshots-damage.test.ts'],
  },
  {
    name: 'a snapshot that finds no segment refuses appends that need none',
    edits: [
      edit(
        'src/log/commit-loop.ts',
        '} else if (fits && !(isDue && isReserveNext))',
        '} else if (!fits)',
      ),
    ],
    tests: ['test/log/snapshots-refused.test.ts'],
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
    name: 'a second block that proved damaged is named again by every later save',
    edits: [
      edit(
        'src/log/snapshot/snapshots.ts',
        'isDamage && before && next ?',
        'isDamage && before && !next ?',
      ),
    ],
    tests: ['test/log/snapshots-damage.test.ts'],
  },
  {
    name: 'what was refused is what is unchanged from then on',
    edits: [
      edit(
        'src/log/snapshot/snapshots.ts',
        'this.#current = isDamage && before',
        'if (isDamage) this.#current = isDamage && before',
      ),
    ],
    tests: ['test/log/snapshots.test.ts'],
  },
  {
    name: 'a part whose block is damaged is given up though another holds the same',
    edits: [edit('src/log/snapshot/part-reader.ts', 'of [blockLsn, otherLsn])', 'of [blockLsn])')],
    tests: ['test/log/snapshots-damage.test.ts'],
  },
  {
    name: 'an index that cannot take a damaged part tells nobody',
    edits: [
      edit(
        'src/log/checkpoint-writer.ts',
        'if (state && error instanceof DamagedError) throw error',
        '',
      ),
    ],
    tests: ['test/log/snapshots-damage.test.ts'],
  },
  {
    name: 'a snapshot asks for a segment between all messages that a full disk has room for',
    edits: [
      edit(
        'src/log/snapshot/snapshot-turn.ts',
        'this.#isTurn && !(needReserve && messages > 0)',
        'this.#isTurn',
      ),
    ],
    tests: ['test/log/snapshot-turn.test.ts'],
  },
  {
    name: 'an owner that was taken over reads all of the log again every ten minutes',
    edits: [edit('src/log/scrub/background-scrub.ts', '      if (isFenced(error)) return\n', '')],
    tests: ['test/log/scrub/taken-over.test.ts'],
  },
  {
    name: 'a group that waits for a description is not told that one is free',
    edits: [edit('src/log/write-lanes.ts', '    for (const call of waiters) call()\n', '')],
  },
  {
    name: 'server: a connection has the event loop for as long as it has commands',
    edits: [
      edit('src/server/listen/loop-share.ts', 'nowMs - this.#sinceMs >= LOOP_SHARE_MS', 'false'),
    ],
    tests: ['test/server/listen/client.test.ts'],
  },
  {
    name: 'server: a connection gives way at each command',
    edits: [
      edit('src/server/listen/loop-share.ts', 'nowMs - this.#sinceMs >= LOOP_SHARE_MS', 'true'),
    ],
    tests: ['test/server/listen/client.test.ts'],
  },
  {
    name: 'server: a socket that cannot be taken away keeps its server listening',
    edits: [
      edit(
        'src/server/listen/bind.ts',
        '  } catch {\n    // Who has become',
        '  } catch (error) {\n    throw error\n    // Who has become',
      ),
    ],
    tests: ['test/server/listen/listen.test.ts'],
  },
  {
    name: 'server: a listener that cannot be closed leaves the store open',
    edits: [edit('src/cli/serve/close-in-steps.ts', 'Promise.allSettled', 'Promise.all')],
    tests: ['test/cli/serve/close-in-steps.test.ts'],
  },
  {
    name: 'server: a stranger wins time by what it sends',
    edits: [
      edit(
        'src/server/listen/patience.ts',
        'standing.isUnknown ? ',
        'standing.isUnknown && !this.#hasHeard ? ',
      ),
    ],
    tests: ['test/server/listen/client.test.ts'],
  },
  {
    name: 'server: memcache refuses a stranger as often as it asks',
    edits: [
      edit(
        'src/protocols/memcache/text-conversation.ts',
        'this.#refusals >= UNTRUSTED_REPLIES_MAX',
        'this.#refusals > 1_000_000',
      ),
    ],
    tests: ['test/protocols/memcache/access.test.ts'],
  },
  {
    name: 'server: memcache makes memory for what a stranger declares',
    edits: [
      edit(
        'src/protocols/memcache/binary-conversation.ts',
        'bytesMax = op === Op.VERSION ? 0 : CREDENTIAL_BYTES_MAX',
        'bytesMax = op === Op.VERSION ? 0 : FRAME_HEAD_BYTES_MAX',
      ),
    ],
    tests: ['test/protocols/memcache/binary.test.ts'],
  },
  {
    name: 'server: beanstalkd reads a line of a stranger that never ends',
    edits: [
      edit(
        'src/protocols/beanstalkd/talk.ts',
        'line === TOO_LONG || this.#lines.isDiscarding',
        'line === TOO_LONG',
      ),
    ],
    tests: ['test/protocols/beanstalkd/extras.test.ts'],
  },
  {
    name: 'server: beanstalkd goes on with a stranger whose line has a NUL',
    edits: [edit('src/protocols/beanstalkd/talk.ts', '(hasNul || command?.run', '(command?.run')],
    tests: ['test/protocols/beanstalkd/extras.test.ts'],
  },
  {
    name: 'server: figures are made for as many requests as come at once',
    edits: [
      edit(
        'src/server/figures.ts',
        'if (asked.has(request.socket))',
        'if (request.url === undefined)',
      ),
      edit(
        'src/server/figures.ts',
        'REQUESTS_PER_CONNECTION_MAX = 1',
        'REQUESTS_PER_CONNECTION_MAX = 0',
      ),
    ],
    tests: ['test/server/figures.test.ts'],
  },
  {
    name: 'server: figures wait for a reader that takes nothing',
    edits: [
      edit('src/server/figures.ts', '() => socket.destroy(), timeoutMs', '() => {}, timeoutMs'),
    ],
    tests: ['test/server/figures.test.ts'],
  },
  {
    name: 'server: an unknown expectation leaves a connection to the figures open',
    edits: [
      edit(
        'src/server/figures.ts',
        "server.on('checkExpectation', (_, response) => refuse(response, 417))",
        '',
      ),
    ],
    tests: ['test/server/figures.test.ts'],
  },
  {
    name: 'server: who hears of the end of a connection can keep others from being ended',
    edits: [edit('src/server/listen/listen.ts', 'this.failed(error, client)', 'throw error')],
    tests: ['test/server/listen/listen.test.ts'],
  },
  {
    name: 'server: the end of one connection is told for two reasons',
    edits: [edit('src/server/listen/served-client.ts', 'if (this.#isEndTold) return', '')],
    tests: ['test/server/listen/listen.test.ts'],
  },
  {
    name: 'memcache: a stranger that is ended for a frame without sense is not counted as one',
    edits: [
      edit(
        'src/protocols/memcache/binary-conversation.ts',
        'isOpenOp.has(op) && keyBytes + extraBytes <= bodyBytes && bodyBytes <= bytesMax',
        'isOpenOp.has(op) && bodyBytes <= CREDENTIAL_BYTES_MAX',
      ),
    ],
    tests: ['test/protocols/memcache/binary.test.ts'],
  },
  {
    name: 'server: a taken path of a unix socket is told as a hidden file that is missing',
    edits: [
      edit(
        'src/server/listen/bind.ts',
        'server.close(() => resolve()))\n    throw error',
        'server.close(() => resolve()))\n    unlinkSync(born)\n    throw error',
      ),
    ],
    tests: ['test/server/listen/listen.test.ts'],
  },
  {
    name: 'beanstalkd: replies that wait behind a put count nothing',
    edits: [
      edit('src/protocols/beanstalkd/pipeline.ts', 'begin(text, text.length)', 'begin(text, 0)'),
    ],
    tests: ['test/protocols/beanstalkd/pipeline.test.ts'],
  },
  {
    name: 'beanstalkd: lists of watched tubes are made while a put in front of them is under way',
    edits: [
      edit(
        'src/protocols/beanstalkd/look-verbs.ts',
        'talk.answer(async () => documentReply(namesOf(talk.watching.watched)))',
        'talk.say(documentReply(namesOf(talk.watching.watched)))',
      ),
    ],
    tests: ['test/protocols/beanstalkd/pipelining.test.ts'],
  },
  {
    name: 'import: a job that is to be buried is leased for its own time to run',
    edits: [edit('src/server/door/verbs/import.ts', '{ group, leaseMs: LEASE_MS }', '{ group }')],
    tests: ['test/cli/import/job-putter.test.ts'],
  },
  {
    name: 'import: a buried job that was kicked here is buried again when it comes again',
    edits: [
      edit(
        'src/cli/import/job-putter.ts',
        "state === 'delayed' && counters.leases + counters.buries === 0",
        'counters.leases >= 0',
      ),
    ],
    tests: ['test/cli/import/job-putter.test.ts'],
  },
  {
    name: 'import: a job that was put and could not be deleted is put again when it is met again',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/tube-drain.ts',
        '!undeleted.has(id) && !notBuried.has(id)',
        'id > 0',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'import: jobs that stay are held past their time to run',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/held-jobs.ts',
        '    await this.#source.touch([...this.#jobs.keys()])\n',
        '',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'import: a job that one call reserves twice goes over twice',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/source.ts',
        '      if (met.has(job.id)) continue\n',
        '',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'import: of a job that stays the body is held to the end of its tube',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/tube-drain.ts',
        'this.#held.note(claim.job.id, claim.stats)',
        'this.#held.note(claim.job.id, { ...claim.job, ...claim.stats })',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'import: all jobs that stay are touched after each batch',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/held-jobs.ts',
        'this.#jobs.size === 0 || nowMs < dueMs',
        'this.#jobs.size === 0 || dueMs < 0',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'import: the delay of a job that stays begins anew when it is given back',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/held-jobs.ts',
        "if (job.state !== 'delayed') return job",
        'if (job.id > 0) return job',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'import: the delay of a job that stays grows with each time it is given back',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/held-jobs.ts',
        'return isSame ? beforeMs : toldMs',
        'return isSame && toldMs < 0 ? beforeMs : toldMs',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'import: the longest delay of all is longer than a store takes',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/held-jobs.ts',
        'return Math.min(U32_MAX, leftSeconds + 1) * SECOND_MS',
        'return (leftSeconds + 1) * SECOND_MS',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'import: a job that comes back between a look and the count ends the wait for it',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/drain.ts',
        '(isIdle && !mayComeBack)',
        '(isIdle && leftMs <= 0)',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'import: passes that waited are counted',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/drain.ts',
        '        mayComeBack = true\n        continue\n',
        '        mayComeBack = true\n        passes += 1\n        continue\n',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'import: a job that is ready as before is told as one that could not be given back',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/held-jobs.ts',
        "missed.has(id) && state !== 'ready'",
        'missed.has(id)',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'import: a job of files that could not be buried is told to wait for a week',
    edits: [
      edit(
        'src/cli/import/from-binlog.ts',
        "tellNotBuried(this.#output, job.id, job.tube, 'a day')",
        "tellNotBuried(this.#output, job.id, job.tube, 'a week')",
      ),
    ],
    tests: ['test/cli/import/limits.test.ts'],
  },
  {
    name: 'import: jobs of files are known for an hour alone',
    edits: [
      edit(
        'src/cli/import/from-binlog.ts',
        'const KEY_WINDOW_MS = 7 * 24 * 3_600_000',
        'const KEY_WINDOW_MS = 3_600_000',
      ),
    ],
    tests: ['test/cli/import/binlog-cut.test.ts'],
  },
  {
    name: 'import: a pause is over a second before it ends',
    edits: [
      edit(
        'src/protocols/beanstalkd/import/source.ts',
        'isPaused ? Math.min(U32_MAX, left + 1) : 0',
        'isPaused ? left : 0',
      ),
    ],
    tests: ['test/protocols/beanstalkd/import/drain.test.ts'],
  },
  {
    name: 'memcache: the body behind a bad line is run as commands',
    edits: [
      edit(
        'src/protocols/memcache/text-conversation.ts',
        '    if (bytes !== undefined) this.#unwanted = bytes + ENDING_BYTES\n',
        '',
      ),
    ],
    tests: ['test/protocols/memcache/text-replies.test.ts'],
  },
  {
    name: 'memcache: readers that nobody uses any more stay, however many they are',
    edits: [edit('src/protocols/memcache/readers.ts', '    this.#readers.shrink(this)\n', '')],
    tests: ['test/protocols/memcache/readers.test.ts'],
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
    name: 'recover passes over what is lost in front of a block that it mends',
    edits: [
      edit(
        'src/inspect/salvage-source.ts',
        '        if (hole) yield* this.#loseBytes(source, hole, mended.firstId)\n',
        '',
      ),
    ],
    tests: ['test/inspect/salvage-mended.test.ts'],
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
  {
    name: 'a walk over a segment rejects with whatever it was aborted with',
    edits: [
      edit('src/log/scan.ts', 'throwIfAborted(options.signal)', 'options.signal?.throwIfAborted()'),
    ],
    tests: ['test/inspect/aborted.test.ts'],
  },
]
