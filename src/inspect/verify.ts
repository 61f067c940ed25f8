/**
 * Checks every block of a log, the copies, the index files and which files are there. Reads only, and
 * needs no lock: beside a living writer it looks until one more look confirms all that is called damage.
 */
import { isMediumError, systemErrorCode, throwIfAborted } from '../errors.ts'
import { segmentFileName } from '../format/layout.ts'
import type { MapEntry } from '../format/link.ts'
import { isRot, judgeSealed } from '../format/verdict.ts'
import type { Assessment } from '../log/assess.ts'
import { scanSegment } from '../log/scan.ts'
import { behind, isRotAbove } from '../log/verdict-gaps.ts'
import { withFile } from '../log/with-file.ts'
import type { System } from '../system/system.ts'
import {
  type Finding,
  fileFinding,
  makeFinding,
  NOT_KNOWN,
  regionFinding,
  unopenedFinding,
} from './finding.ts'
import { IdRanges } from './id-ranges.ts'
import type { QueueShare } from './queue-shares.ts'
import {
  asIoError,
  isQuiet,
  LOOKS_MAX,
  lockOf,
  lookAt,
  type OwnerState,
  ownerState,
} from './source.ts'
import { UnreadFiles, unreadEnds } from './unread-files.ts'

export interface Progress {
  readonly bytes: number
  readonly totalBytes: number
}

export interface InspectOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: Progress) => void
}

export interface VerifyReport {
  readonly directory: string
  /** rot: damage was found; torn-tail: the log ends in front of torn bytes and nothing else is wrong. */
  readonly verdict: 'fine' | 'torn-tail' | 'rot'
  readonly owner: OwnerState
  /** The last writer closed the log in order. */
  readonly closed: boolean
  readonly segments: number
  readonly blocks: number
  readonly bytes: number
  /** First id of the log. */
  readonly firstId: number
  readonly nextId: number
  readonly lostMessages: number
  /**
   * Queues of lost messages that were still to be finished, most first, as far as the state knows them.
   * Absent where none is lost, where the log is no store's, or where its state cannot be read.
   */
  readonly lostQueues?: readonly QueueShare[]
  readonly findings: readonly Finding[]
}

/** Progress is told this often. */
const PROGRESS_BYTES = 4 * 1024 * 1024

export async function verifyLog(
  system: System,
  directory: string,
  options: InspectOptions = {},
): Promise<VerifyReport> {
  const round = new Rounds(system, directory, options)
  let seen: ReadonlySet<string> | undefined
  for (let look = 1; ; look++) {
    const before = await lockOf(system, directory)
    const found = await round.look()
    const after = await lockOf(system, directory)
    if (found === undefined && look < LOOKS_MAX) continue
    if (found === undefined)
      throw asIoError({ code: 'ENOENT' }, `files of ${directory} keep vanishing`)
    const owner = ownerState(after)
    const suspects = found.findings.filter((finding) => finding.level !== 'note')
    if (suspects.length === 0 || isQuiet(before, after)) return round.report(found, owner)
    const rotten = new Set(suspects.filter(({ level }) => level === 'rot').map(nameOf))
    const earlier = seen
    const agrees = earlier !== undefined && [...rotten].every((name) => earlier.has(name))
    if (agrees || look >= LOOKS_MAX) {
      // Above D a living writer is still writing; below it damage stays where it was.
      const findings = found.findings.filter(({ level }) => level !== 'tail')
      return round.report({ ...found, findings }, owner)
    }
    seen = rotten
  }
}

/** By its place alone: a segment that rolls between two looks gives the same damage another row. */
function nameOf({ file, offset }: Finding): string {
  return `${file} ${offset}`
}

interface Found {
  readonly assessment: Assessment
  readonly findings: readonly Finding[]
}

interface SegmentResult {
  readonly blocks: number
  readonly findings: readonly Finding[]
}

class Rounds {
  readonly #system: System
  /** What the last look has read around. */
  #unread: UnreadFiles
  readonly #directory: string
  readonly #options: InspectOptions
  /** Full segments that were found whole: they never change, so one look is enough. */
  readonly #whole = new Map<string, number>()
  #bytesDone = 0
  #bytesTold = 0
  #blocks = 0
  #bytes = 0

  constructor(system: System, directory: string, options: InspectOptions) {
    this.#unread = new UnreadFiles(system)
    this.#system = system
    this.#directory = directory
    this.#options = options
  }

  /** One look at everything; undefined where the newest segment vanished meanwhile. */
  async look(): Promise<Found | undefined> {
    const { signal } = this.#options
    const unread = new UnreadFiles(this.#system)
    this.#unread = unread
    const assessment = await lookAt(this.#system, this.#directory, signal, { unread })
    const { newest, map, survey, files } = assessment
    const totalBytes = map.reduce((sum, entry) => sum + entry.cut, newest?.scan.endOffset ?? 0)
    this.#bytesDone = 0
    this.#bytesTold = 0
    this.#blocks = newest?.scan.blocks.count ?? 0
    this.#bytes = totalBytes
    const findings: Finding[] = []
    const unreadable = new Set(files.filter(({ row }) => isRot(row)).map(({ file }) => file))
    for (const entry of map) {
      if (!unreadable.has(segmentFileName(entry.number, entry.generation))) {
        const result = await this.#checkFull(assessment, entry, totalBytes)
        this.#blocks += result.blocks
        findings.push(...result.findings)
      }
      this.#bytesDone += entry.cut
    }
    const ofNewest = await this.#checkNewest(assessment)
    if (ofNewest === undefined) return undefined
    findings.push(...ofNewest)
    const mapped = new Set(map.map((entry) => segmentFileName(entry.number, entry.generation)))
    for (const head of survey.heads) {
      if (head.headerWound === undefined) continue
      if (!mapped.has(head.file) && head !== newest?.head) continue
      const bytes = head.headerWound === 'between' ? 3072 : 512
      const offset = { first: 0, last: 3584, between: 512 }[head.headerWound] ?? 0
      const place = { row: 'header-copy' as const, file: head.file, offset, bytes }
      findings.push(makeFinding({ ...place, firstId: 0, endId: 0 }, `damaged: ${head.headerWound}`))
    }
    for (const verdict of files) {
      // One made ahead of need is as it should be.
      if (verdict.row === 'never-used') continue
      const head = survey.heads.find(({ file }) => file === verdict.file)
      findings.push(
        isRotAbove(verdict, newest)
          ? unopenedFinding(behind(verdict, newest), head)
          : fileFinding(verdict, head),
      )
    }
    for (const file of survey.badIndexes) {
      findings.push(
        makeFinding({ row: 'index-file', file, offset: 0, bytes: 0, firstId: 0, endId: 0 }),
      )
    }
    for (const { file, words, ...place } of unreadEnds(assessment, unread)) {
      const isTold = findings.some((one) => one.file === file && one.row === 'unreadable')
      if (isTold) continue
      const ids = { firstId: assessment.nextId, endId: assessment.nextId }
      const row = 'unreadable'
      findings.push(makeFinding({ row, file, ...place, ...ids }, `${words}: ${NOT_KNOWN}`))
    }
    findings.sort((a, b) => compare(a.file, b.file) || a.offset - b.offset)
    this.#tell(totalBytes, totalBytes)
    return { assessment, findings }
  }

  report(found: Found, owner: OwnerState): VerifyReport {
    const { assessment, findings } = found
    const { newest, map, nextId } = assessment
    const lost = new IdRanges()
    for (const { level, firstId, endId } of findings) {
      if (level === 'rot') lost.add(firstId, endId)
    }
    const isRotten = findings.some(({ level }) => level === 'rot')
    const isTorn = findings.some(({ level }) => level === 'tail')
    return {
      directory: this.#directory,
      verdict: isRotten ? 'rot' : isTorn ? 'torn-tail' : 'fine',
      owner,
      closed: newest?.tail.clean ?? true,
      segments: map.length + (newest ? 1 : 0),
      blocks: this.#blocks,
      bytes: this.#bytes,
      firstId: map[0]?.firstId ?? newest?.link.nextId ?? nextId,
      nextId,
      lostMessages: lost.idCount,
      findings,
    }
  }

  /**
   * Judges a full segment. One that vanished since it was surveyed counts as missing: beside a living
   * writer the next look tells whether the map still names it.
   */
  async #checkFull(
    assessment: Assessment,
    entry: MapEntry,
    totalBytes: number,
  ): Promise<SegmentResult> {
    const { system } = this.#unread
    const file = segmentFileName(entry.number, entry.generation)
    const known = this.#whole.get(file)
    if (known !== undefined) return { blocks: known, findings: [] }
    const head = assessment.survey.heads.find((candidate) => candidate.file === file)
    if (head === undefined) throw new Error(`${file} is neither surveyed nor called missing`)
    const { firstId, endId } = entry
    const place = { file, offset: 0, bytes: 0, firstId, endId }
    try {
      const path = `${this.#directory}/${file}`
      const unread = this.#unread.pages(path)
      return await withFile(system, path, async (handle) => {
        const { signal } = this.#options
        const scan = await scanSegment(system, handle, entry, head.actualBytes, {
          to: entry.cut,
          visit: (_bytes, _at, block) => this.#tell(this.#bytesDone + block.offset, totalBytes),
          ...(signal && { signal }),
        })
        const findings: Finding[] = []
        for (const region of judgeSealed(head, entry, scan)) {
          const { blocks } = scan
          findings.push(await regionFinding(system, handle, file, entry, blocks, region, unread))
        }
        if (findings.length === 0) this.#whole.set(file, scan.blocks.count)
        return { blocks: scan.blocks.count, findings }
      })
    } catch (error) {
      throwIfAborted(this.#options.signal)
      const code = systemErrorCode(error)
      const isUnreadable = isMediumError(error)
      if (!isUnreadable && code !== 'ENOENT') throw asIoError(error, `cannot read ${file}`)
      const row = isUnreadable ? 'unreadable' : 'rot-missing'
      return { blocks: 0, findings: [makeFinding({ row, ...place }, code)] }
    }
  }

  /** Regions of the newest segment; undefined where it vanished. */
  async #checkNewest(assessment: Assessment): Promise<Finding[] | undefined> {
    const findings: Finding[] = []
    const { newest, survey, missingNewest } = assessment
    const { header } = newest?.head ?? {}
    if (newest && header) {
      const { head, tail, scan } = newest
      const regions = tail.regions.filter(({ row }) => row !== 'clean-end')
      if (regions.length > 0) {
        const { file } = head
        const path = `${this.#directory}/${file}`
        const { system } = this.#unread
        const unread = this.#unread.pages(path)
        const isThere = await withFile(system, path, async (handle) => {
          for (const region of regions) {
            const { blocks } = scan
            findings.push(await regionFinding(system, handle, file, header, blocks, region, unread))
          }
          return true
        }).catch((error: unknown) => {
          if (systemErrorCode(error) === 'ENOENT') return false
          throw asIoError(error, `cannot read ${file}`)
        })
        if (!isThere) return undefined
      }
    }
    if (missingNewest) {
      const { file, offset, bytes, firstId, endId, why } = missingNewest
      const place = { row: 'rot-newest-missing' as const, file, offset, bytes, firstId, endId }
      const isSealed = file === newest?.head.file
      findings.push(makeFinding(place, isSealed ? why : `${survey.indexName} names it`))
    }
    return findings
  }

  #tell(bytes: number, totalBytes: number): void {
    if (bytes - this.#bytesTold < PROGRESS_BYTES && bytes < totalBytes) return
    this.#bytesTold = bytes
    this.#options.onProgress?.({ bytes, totalBytes })
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
