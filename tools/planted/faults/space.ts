/** Segments that are made, retired, merged and kept for a full disk. */
import { edit, type PlantedFault } from '../fault.ts'
import {
  COMPACTION,
  COMPACTION_BOUND,
  CRASH_POINTS,
  DIRECTED,
  FULL_DISK,
  FULL_DISK_ENDS,
  MENDED,
  REPAIR,
  RETIREMENT,
} from '../proofs.ts'

export const SPACE_FAULTS: readonly PlantedFault[] = [
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
    name: 'a file used again while its SEAL is still to be written',
    edits: [edit('src/log/space/retirement.ts', '      .then(() => loop.sealed())\n', '')],
    tests: [RETIREMENT],
  },
  {
    name: 'a segment made ahead stays open where it does not tell which file it is',
    edits: [
      edit(
        'src/log/space/supply.ts',
        '      } finally {\n        // Also where',
        '      } catch (error) {\n        throw error\n      }\n      {\n        // Also where',
      ),
    ],
    tests: ['test/log/refused-calls.test.ts'],
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
]
