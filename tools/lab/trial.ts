/**
 * What a trial of the lab is. To add one: a file in `trials/` that exports a `Trial`, and a line in
 * `registry.ts`. The runner has the clock, the seeds, the failures and the results; a trial only does
 * one unit after the other and counts.
 */

/** What a trial is given while it runs. */
export interface Lab {
  /** Time is up. Units of more than a second ask in between, and end early and in order. */
  isOver(): boolean
  /** Counts what was survived: 'power cuts', 'bits'. These words stand on the page, in the plural. */
  count(what: string, times?: number): void
  /** A line for whoever watches. */
  say(line: string): void
}

/** Part of an exhaustive list: units that are done one by one, each alone and in any order. */
export interface Stretch {
  readonly name: string
  readonly units: number
  /** Does unit 0, 1, ... `units` - 1. Throws where a promise is broken. */
  run(unit: number): Promise<void>
}

/**
 * One way of trying to break a promise. It has an exhaustive list, or seeds without end, or both. Units of a list are numbered over
 * all its stretches, so the list has to be the same each time for the same source; a stretch is made
 * when its turn comes, also where only its length is needed.
 */
export interface Trial {
  /** What kind of trial it is, 'A' to 'N'. Several may have the same; `--only` takes all of them then. */
  readonly letter: string
  /** A word that no other has: results are kept under it, and `--only` takes it as well. */
  readonly name: string
  /** For the page: what is promised, by the numbers of the invariants. */
  readonly promise: string
  /** For the page: numbers of the assumptions that it rests on. */
  readonly restsOn: string
  /** For the page: what is done, and which tests do a part of it in CI. */
  readonly shownBy: string
  /**
   * Files and folders, from src/, that it puts to the test. Counts are those of one state of these; when code in
   * them changes they begin again.
   */
  readonly covers: readonly string[]
  /** Why it cannot run here, said aloud; undefined where it can. */
  whySkipped?(): string | undefined
  /** The list, in order. */
  list?(lab: Lab): AsyncIterable<Stretch>
  /** Everything that follows from this seed. Throws where a promise is broken. */
  seed?(lab: Lab, seed: number): Promise<void>
}

const ENGINE = ['errors.ts', 'channels.ts', 'format', 'log', '../native-free']

/** Of the system what trials on the simulated disk run: of the real one that is the checksum alone. */
const SIMULATED_SYSTEM = [
  'system/native-free-lz4.ts',
  'system/real/crc.ts',
  'system/simulated',
  'system/soon.ts',
  'system/system.ts',
]

/** What trials of the log on the simulated disk put to the test. */
export const LOG_PARTS: readonly string[] = [...ENGINE, ...SIMULATED_SYSTEM]

/** The same with the store. */
export const STORE_PARTS: readonly string[] = [...LOG_PARTS, 'store']

/** Log and store on the system of this machine. */
export const REAL_PARTS: readonly string[] = [...ENGINE, 'index.ts', 'system', 'store']
