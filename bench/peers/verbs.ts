/** What the process of a contender can be told to do, and what it answers. Types only. */

export interface Timing {
  readonly messages: number
  readonly seconds: number
  /** Processor seconds of this process meanwhile; the server's are counted by the parent. */
  readonly cpuSeconds: number
}

export interface Lateness {
  /** How late each message was done after it was due, in milliseconds. */
  readonly lateMs: Float64Array
  /** Never done while somebody waited: they count as late as they were by then. */
  readonly unfinished: number
}

/** One argument and one answer each; both go through structured clone. */
export interface PeerVerbs {
  /** Before all others. */
  load(what: { id: string }): Promise<{ version: string } | { missing: string }>
  open(what: { directory: string }): Promise<{ takes: boolean; serverPid: number | undefined }>
  /** The same up to the first message taken, or put where nothing is taken: seconds. */
  openToFirst(what: {
    directory: string
  }): Promise<{ seconds: number; serverPid: number | undefined }>
  /** One promise a message, so many under way. */
  put(what: { bytes: number; inFlight: number; seconds: number }): Promise<Timing>
  /** One promise for so many, `batches` of these promises under way. */
  batch(what: { bytes: number; batch: number; batches: number; seconds: number }): Promise<Timing>
  /** Puts until there are so many more, as fast as batches go; gives up after `secondsMax`: how many. */
  fill(what: { bytes: number; messages: number; secondsMax: number }): Promise<number>
  /**
   * Takes and finishes so many, `batch` at a time; fewer where there are no more, or time is up. `takers` at
   * most, where that is told.
   */
  drain(what: {
    batch: number
    messages: number
    secondsMax: number
    takers?: number
  }): Promise<Timing>
  /** Puts and takes side by side: what was taken. `takers` at most, where that is told. */
  steady(what: {
    bytes: number
    inFlight: number
    seconds: number
    takers?: number
  }): Promise<Timing>
  /** As fast as `pacedPut` goes with so many under way: what taking the time costs is in it, too. */
  flatOutPut(what: { bytes: number; inFlight: number; seconds: number }): Promise<Timing>
  /** The same, with so many on their way until each was taken, by one taker, and that is durable. */
  flatOutThrough(what: { bytes: number; inFlight: number; seconds: number }): Promise<Timing>
  /** Puts when they are due, whatever the answers do: until the answer, from when each was due. */
  pacedPut(what: { bytes: number; rate: number; seconds: number }): Promise<Lateness>
  /** The same until it was taken, by one taker, and that is durable. */
  pacedThrough(what: { bytes: number; rate: number; seconds: number }): Promise<Lateness>
  /** Collects garbage, so that somebody may look at what is resident. */
  memory(what: object): Promise<{ pid: number }>
  close(what: object): Promise<void>
}
