/** The way of a group: composed, written, flushed, answered; what waits for room, and write lanes. */
import { edit, type PlantedFault } from '../fault.ts'
import {
  CRASH_POINTS,
  CRASH_POINTS_FLUSH,
  FAILING_CALLS,
  FLIGHT_QUEUE,
  FULL_DISK,
  FULL_DISK_ENDS,
  RETIREMENT,
  SCHEDULES,
  SNAPSHOTS,
} from '../proofs.ts'

const GROUP_FLUSH = '    if (this.#flushes(flight)) await handle.flush()\n'
const NAMES_FLUSH = '    await descriptors.spend(() => namesOf(system, plan).flush())\n'
const CREATE_FLUSH =
  'await writeWhole(handle, headerBytes(system, plan, number, key), 0)\n    await handle.flush()\n'

export const COMMIT_FAULTS: readonly PlantedFault[] = [
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
    name: 'an append passes those that wait for room',
    edits: [
      edit(
        'src/log/waiting/room-queue.ts',
        'return this.#appends.length > 0 || !this.#host.hasRoom',
        'return !this.#host.hasRoom',
      ),
    ],
    tests: ['test/log/waiting/room-queue.test.ts'],
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
    name: 'messages follow control records into what is kept for a full disk',
    edits: [
      edit(
        'src/log/space/refusals.ts',
        '      if (supply.isReservePrepared) this.#keepMessagesOut()\n',
        '',
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
    name: 'tickets of a group that was refused before are counted by rows',
    edits: [
      edit('src/log/composer.ts', 'this.#pendingTickets.at(row)', 'pending.firstTicket + row'),
    ],
    tests: ['test/log/space/refused-twice.test.ts'],
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
    name: 'a snapshot that finds no segment refuses appends that need none',
    edits: [
      edit(
        'src/log/space/refusals.ts',
        '} else if (fits && !(isDue && isReserveNext))',
        '} else if (!fits)',
      ),
    ],
    tests: ['test/log/snapshots-refused.test.ts'],
  },
  {
    name: 'a group that waits for a description is not told that one is free',
    edits: [edit('src/log/write-lanes.ts', '    for (const call of waiters) call()\n', '')],
    tests: ['test/log/write-lanes.test.ts'],
  },
]
